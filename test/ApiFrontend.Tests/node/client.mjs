// The stock socket.io-client against the server: one scenario a run, asserted here; exit code 0 means that all held.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { io } from 'socket.io-client';

const [, , url, scenario] = process.argv;
const Limit = 20_000;

const transportsOf = {
  websocket: ['websocket'],
  polling: ['polling'],
  upgrade: ['polling', 'websocket'],
};

function open(transports, path = '/echo', options = {}) {
  return io(url + path, { transports, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50, ...options });
}

async function connected(socket) {
  if (!socket.connected) {
    await once(socket, 'connect', { signal: AbortSignal.timeout(Limit) });
  }
  return socket;
}

const ask = (socket, ...args) => socket.timeout(Limit).emitWithAck(...args);
const next = (socket, name) => once(socket, name, { signal: AbortSignal.timeout(Limit) });

async function exchange(transports) {
  const socket = await connected(open(transports));
  if (transports.length === 2 && socket.io.engine.transport.name !== 'websocket') {
    await once(socket.io.engine, 'upgrade', { signal: AbortSignal.timeout(Limit) });
    assert.equal(socket.io.engine.transport.name, 'websocket');
  }

  // Text, order and acks of the client's questions.
  assert.deepEqual(await ask(socket, 'echo', { a: [1, 'ü€😀', null, true] }), { a: [1, 'ü€😀', null, true] });
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(socket, 'echo', i)));
  assert.deepEqual(answers, Array.from({ length: 50 }, (_, i) => i));

  // Binary, nested and both ways.
  const bytes = Buffer.from([0, 1, 2, 253, 254, 255]);
  const back = await ask(socket, 'echo', { deep: [{ bytes }], two: Buffer.from('second') });
  assert.deepEqual(Buffer.from(back.deep[0].bytes), bytes);
  assert.equal(Buffer.from(back.two).toString(), 'second');
  socket.emit('send-back', bytes);
  const [event] = await next(socket, 'sent-back');
  assert.deepEqual(Buffer.from(event), bytes);

  // The server's question, answered by the client.
  socket.on('question', (value, reply) => reply({ doubled: value * 2 }));
  assert.deepEqual(await ask(socket, 'ask-me', 21), { doubled: 42 });

  // Payloads near the limit.
  const big = 'x'.repeat(900_000);
  assert.equal((await ask(socket, 'echo', big)).length, big.length);
  const bigBytes = Buffer.alloc(500_000, 7);
  assert.equal(Buffer.from(await ask(socket, 'echo', bigBytes)).equals(bigBytes), true);

  // Removed by the server: the client does not come back by itself.
  socket.emit('kick-me');
  const [reason] = await next(socket, 'disconnect');
  assert.equal(reason, 'io server disconnect');
  socket.close();
}

async function recovery(transports) {
  const socket = await connected(open(transports));
  assert.equal(socket.recovered, false);
  const id = socket.id;
  const got = [];
  socket.on('sent-back', (value) => got.push(value));
  await ask(socket, 'echo', 0);
  socket.emit('send-back', 1);
  await next(socket, 'sent-back');

  // Cut the connection under the client, with an event on its way.
  socket.emit('send-back', 2);
  socket.io.engine.close();
  await next(socket, 'connect');
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
  socket.emit('send-back', 3);
  while (got.at(-1) !== 3) {
    await next(socket, 'sent-back');
  }
  assert.deepEqual(got.filter((v) => v !== 2), [1, 3]);
  assert.ok(got.filter((v) => v === 2).length <= 1);
  socket.disconnect();
}

async function namespaces() {
  const unknown = open(['websocket'], '/nowhere');
  const [error] = await next(unknown, 'connect_error');
  assert.equal(error.message, 'Invalid namespace');
  unknown.close();

  const refused = open(['websocket'], '/closed', { auth: { token: 'wrong' } });
  const [refusal] = await next(refused, 'connect_error');
  assert.equal(refusal.message, 'No entry');
  refused.close();

  const admitted = await connected(open(['websocket'], '/closed', { auth: { token: 'let me in' } }));
  admitted.close();

  // Two namespaces on one connection; leaving one leaves the other.
  const manager = open(['websocket'], '/echo').io;
  const a = await connected(manager.socket('/echo'));
  const b = await connected(manager.socket('/'));
  a.disconnect();
  assert.equal(await ask(b, 'echo', 'b'), 'b');
  b.disconnect();
}

async function oversize() {
  const socket = await connected(open(['websocket'], '/echo', { reconnection: false }));
  socket.emit('echo', 'x'.repeat(1_100_000));
  const [reason] = await next(socket, 'disconnect');
  assert.match(reason, /transport/);
}

async function many() {
  const ways = Object.values(transportsOf);
  const sockets = await Promise.all(Array.from({ length: 200 }, (_, i) => connected(open(ways[i % ways.length]))));
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(sockets.map((socket, i) => ask(socket, 'echo', { i, round })));
    answers.forEach((answer, i) => assert.deepEqual(answer, { i, round }));
  }
  sockets.forEach((socket) => socket.disconnect());
}

async function serverClose() {
  const socket = await connected(open(['websocket'], '/echo', { reconnection: false }));
  const gone = next(socket, 'disconnect');
  console.log('connected');
  const [reason] = await gone;
  assert.equal(reason, 'transport close');
}

const [name, way] = scenario.split(':');
const scenarios = { exchange, recovery, namespaces, oversize, many, 'server-close': serverClose };
await scenarios[name](transportsOf[way]);
console.log('done');
