'use strict';

// What a user would write without Hearth: Node's own HTTP server around the same handler.
//     node node_http.js PORT [HANDLER_FOLDER [ADDRESS]]
// Prints "listening on PORT" once it accepts connections; PORT 0 takes any free one.

const http = require('node:http');
const path = require('node:path');

const handler = require(path.resolve(process.argv[3] ?? path.join(__dirname, 'hello')));

function answer(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', async () => {
    let input;
    try {
      input = JSON.parse(Buffer.concat(pieces).toString());
    } catch {
      answer(response, 400, { error: 'the body is not JSON' });
      return;
    }
    try {
      answer(response, 200, await handler(input));
    } catch (error) {
      answer(response, 502, { error: error.message });
    }
  });
});

server.listen(Number(process.argv[2]), process.argv[4] ?? '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
