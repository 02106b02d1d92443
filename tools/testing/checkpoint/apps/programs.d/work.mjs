// SPDX-License-Identifier: GPL-2.0
// Worker threads with shared memory and messages, timers, digests and streams:
// each turn does the same, and looks at what has come of it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, pbkdf2Sync, pbkdf2, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { promisify } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from
	'node:worker_threads';
import { gunzip, gzip } from 'node:zlib';

const WORKERS = 3, COUNTS = 20000;

function primes(limit) {
	let found = 0;
	next: for (let n = 2; n < limit; n++) {
		for (let d = 2; d * d <= n; d++)
			if (n % d == 0)
				continue next;
		found++;
	}
	return found;
}

if (!isMainThread) {
	const counters = new Int32Array(workerData);
	parentPort.on('message', (limit) => {
		for (let i = 0; i < COUNTS; i++)
			Atomics.add(counters, 0, 1);
		parentPort.postMessage(primes(limit));
		// the last one wakes up whoever waits
		Atomics.add(counters, 1, 1);
		Atomics.notify(counters, 1);
	});
} else {
	await main();
}

async function main() {
	const memory = new SharedArrayBuffer(8);
	const counters = new Int32Array(memory);
	const workers = Array.from({ length: WORKERS }, () =>
		new Worker(new URL(import.meta.url), { workerData: memory }));
	const server = createServer((socket) => socket.pipe(socket));
	await new Promise((resolve) => server.listen('socket', resolve));
	let ticks = 0, turns = 0;
	const ticker = setInterval(() => ticks++, 10);
	const key = pbkdf2Sync('secret', 'salt', 1000, 32, 'sha256');

	do {
		turns++;
		const answers = workers.map((worker) => new Promise(
			(resolve) => worker.once('message', resolve)));
		workers.forEach((worker, i) => worker.postMessage(20000 + i));
		assert.deepEqual(await Promise.all(answers), [2262, 2262, 2262]);
		for (let done; (done = Atomics.load(counters, 1)) < turns * WORKERS; )
			Atomics.wait(counters, 1, done, 1000);
		assert.equal(counters[0], turns * WORKERS * COUNTS);
		console.log('workers');

		const before = process.hrtime.bigint();
		const seen = ticks;
		await new Promise((resolve) => setTimeout(resolve, 200));
		const took = Number(process.hrtime.bigint() - before) / 1e6;
		assert(took > 199 && ticks > seen, `${took} ms, ${ticks - seen} ticks`);
		console.log('timers');

		// in the threads of libuv
		const keys = await Promise.all([1, 2, 3, 4].map(() =>
			promisify(pbkdf2)('secret', 'salt', 1000, 32, 'sha256')));
		keys.forEach((other) => assert.deepEqual(other, key));
		const data = randomBytes(200000);
		await writeFile('data', data);
		const packed = await promisify(gzip)(await readFile('data'));
		assert.deepEqual(await promisify(gunzip)(packed), data);
		console.log('threads');

		const hash = createHash('sha256'), want = createHash('sha256');
		const socket = createConnection('socket');
		want.update(data);
		socket.end(data);
		for await (const chunk of socket)
			hash.update(chunk);
		assert.equal(hash.digest('hex'), want.digest('hex'));
		const { stdout } = await promisify(execFile)('sha256sum', ['data']);
		assert.equal(stdout.slice(0, 64),
			createHash('sha256').update(data).digest('hex'));
		console.log('streams');
	} while (!existsSync('stop'));

	clearInterval(ticker);
	server.close();
	await Promise.all(workers.map((worker) => worker.terminate()));
	console.log(`${turns} turns`);
}
