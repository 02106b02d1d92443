// SPDX-License-Identifier: GPL-2.0
// For rhino, which compiles it for the Java virtual machine: threads with
// queues, pools, timers, garbage, digests, files and processes. Each turn does
// the same, and looks at what has come of it.
importPackage(java.util, java.util.concurrent, java.util.concurrent.atomic);
importPackage(java.io, java.nio.file);

var THREADS = 4, ITEMS = 40;
var random = new Random(1), pool = Executors.newFixedThreadPool(THREADS);
var timer = Executors.newScheduledThreadPool(1), ticks = new AtomicLong();
var map = new ConcurrentHashMap(), turns = 0;

function need(condition, what) {
	if (!condition)
		throw new java.lang.AssertionError(what);
}

function hex(bytes) {
	return String(new java.math.BigInteger(1, bytes).toString(16));
}

function digest(text) {
	var md = java.security.MessageDigest.getInstance('SHA-256');
	return hex(md.digest(new java.lang.String(text).getBytes('UTF-8')));
}

function primes(limit) {
	var found = 0;
	next: for (var n = 2; n < limit; n++) {
		for (var d = 2; d * d <= n; d++)
			if (n % d == 0)
				continue next;
		found++;
	}
	return found;
}

// All of them go through a queue that is full most of the time.
function queues() {
	var queue = new ArrayBlockingQueue(3);
	var producer = pool.submit(new Callable({ call: function() {
		for (var i = 0; i < ITEMS; i++)
			queue.put(java.lang.Integer.valueOf(i));
		return null;
	} }));
	for (var i = 0; i < ITEMS; i++)
		need(queue.poll(600, TimeUnit.SECONDS) == i, 'item ' + i);
	producer.get();
}

function pools() {
	var futures = [];
	for (var i = 0; i < THREADS * 2; i++)
		futures.push(pool.submit(new Callable({ call: function() {
			map.merge('calls', java.lang.Long.valueOf(1),
				  function(a, b) { return java.lang.Long.valueOf(a + b); });
			return java.lang.Integer.valueOf(primes(2000));
		} })));
	futures.forEach(function(future) {
		need(future.get() == 303, 'primes: ' + future.get());
	});
	need(map.get('calls') == turns * THREADS * 2, 'calls: ' + map.get('calls'));
}

// Enough of it to be collected
function garbage() {
	var kept = new HashMap();
	for (var i = 0; i < 300; i++)
		kept.put('k' + i % 50, java.lang.reflect.Array.newInstance(
			java.lang.Byte.TYPE, 100000));
	need(kept.size() == 50, 'map: ' + kept.size());
}

function sleeps() {
	var before = java.lang.System.nanoTime(), seen = ticks.get();
	java.lang.Thread.sleep(150);
	var took = (java.lang.System.nanoTime() - before) / 1e6;
	need(took > 149, took + ' ms');
	// the timer goes on, however late its thread gets a CPU
	while (ticks.get() == seen)
		java.lang.Thread.sleep(10);
}

function processes() {
	var text = new java.lang.StringBuilder(), path = Paths.get('data');
	for (var i = 0; i < 1000; i++)
		text.append(random.nextLong()).append('\n');
	Files.write(path, text.toString().getBytes('UTF-8'));
	var process = new java.lang.ProcessBuilder(['sha256sum', 'data'])
		.redirectErrorStream(true).start();
	var reader = new BufferedReader(new InputStreamReader(
		process.getInputStream()));
	var line = String(reader.readLine());
	need(process.waitFor() == 0, line);
	need(new java.math.BigInteger(line.split(' ')[0], 16).toString(16) ==
	     digest(text.toString()), line);
}

timer.scheduleAtFixedRate(function() { ticks.incrementAndGet(); }, 10, 10,
			  TimeUnit.MILLISECONDS);
do {
	turns++;
	[queues, pools, garbage, sleeps, processes].forEach(function(f) {
		f();
		java.lang.System.out.println(f.name);
	});
} while (!new File('stop').exists());
pool.shutdown();
timer.shutdownNow();
need(pool.awaitTermination(600, TimeUnit.SECONDS), 'pool');
java.lang.System.out.println(turns + ' turns');
