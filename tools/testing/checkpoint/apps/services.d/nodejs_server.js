// SPDX-License-Identifier: GPL-2.0
//
// node nodejs_server.js ADDRESS PORT: send back what comes, packed
'use strict';
const http = require('http');
const zlib = require('zlib');

const counts = new Map();
let connections = 0;

const server = http.createServer((request, response) => {
	const parts = [];
	request.on('data', (part) => parts.push(part));
	request.on('end', () => zlib.deflate(Buffer.concat(parts), (err, data) => {
		const count = (counts.get(request.url) || 0) + 1;
		counts.set(request.url, count);
		response.setHeader('x-count', count);
		response.setHeader('x-connections', connections);
		response.statusCode = err ? 500 : 200;
		response.end(data);
	}));
});
server.on('connection', () => { connections++; });
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen(Number(process.argv[3]), process.argv[2]);
