// Measures the standalone server and prints a table; run.sh prepares what this needs.
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { BrowserRoom } from './browsers.mjs';
import { killAll, repository, sleep, startServer, track } from './server.mjs';

const artifacts = path.join(repository, 'artifacts');
const churn = path.join(repository, 'bench/footprint/Churn/bin/Release/net10.0/VoiceCluster.Bench.Churn');
const starts = 5;
const sdkStarts = 3;
const idleSeconds = 30;
const cpuSeconds = 60;
const settleSeconds = 20;
const churnParallel = 4;
// By then the just-in-time compiler has seen every path often enough to be done with it.
const warmUpCycles = 1_000;
const churnCycles = 1_000;
const muteRounds = 100;
const voicebench = path.join(repository, 'src/LoadTest/bin/Release/net10.0/voicebench');
const soakPeriods = Number(process.env.PERIODS ?? 12);
const soakSeconds = 270;
/** 10,000 an hour with the 100 of each period that do not come and go. */
const soakChurn = 170;

const rows = [];
const results = {};

/** A row of the table; `within` is true, false or, where nothing is promised, null. */
function row(figure, value, target, within) {
  rows.push({ figure, value, target: target ?? '', verdict: within === undefined || within === null ? '' : within ? 'ok' : 'MISSED', load: loadavg()[0].toFixed(1) });
  console.error(`  ${figure}: ${value}`);
}

const number = (value, digits = 1) => value.toFixed(digits);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs a program and gives the JSON that it prints, if any. */
async function run(program, args, stderr = 'inherit') {
  const child = track(spawn(program, args.map(String), { stdio: ['ignore', 'pipe', stderr] }));
  let output = '';
  child.stdout.on('data', (data) => { output += data; });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) {
    throw new Error(`${args[0]} ended with ${code}: ${output}`);
  }
  return output ? JSON.parse(output) : null;
}

const generate = (...args) => run(churn, args);

async function withServer(name, use, options) {
  const server = await startServer(name, artifacts, options);
  let result;
  try {
    result = await use(server);
  } catch (error) {
    await server.stop().catch((stopping) => console.error(`${name}: ${stopping.message}`));
    throw error;
  }
  const stopSeconds = await server.stop();
  return { ...result, stopSeconds };
}

async function measureStart() {
  const seconds = [];
  const stops = [];
  for (let i = 0; i < starts; i++) {
    const { startSeconds, stopSeconds } = await withServer(`start${i}`, (server) => ({ startSeconds: server.startSeconds }));
    seconds.push(startSeconds);
    stops.push(stopSeconds);
  }
  const throughSdk = [];
  for (let i = 0; i < sdkStarts; i++) {
    const { startSeconds } = await withServer(`sdk${i}`, (server) => ({ startSeconds: server.startSeconds }), { throughSdk: true });
    throughSdk.push(startSeconds);
  }
  results.start = { seconds, stops, throughSdk };
  row(`start to ready, median of ${starts}`, `${number(median(seconds), 2)} s (${number(Math.min(...seconds), 2)} to ${number(Math.max(...seconds), 2)})`, '< 2.5 s', median(seconds) < 2.5);
  row(`the same by dotnet run --no-build, median of ${sdkStarts}`, `${number(median(throughSdk), 2)} s (${number(Math.min(...throughSdk), 2)} to ${number(Math.max(...throughSdk), 2)})`, '', null);
  row('SIGTERM to the end, no client', `${number(median(stops), 2)} s (to ${number(Math.max(...stops), 2)})`, '< 10 s', Math.max(...stops) < 10);
}

async function measureIdle() {
  results.idle = await withServer('idle', async (server) => {
    await sleep(idleSeconds);
    return { ...await server.memory(), handles: await server.handles() };
  });
  const { rss, peak, threads, handles } = results.idle;
  row(`idle memory after ${idleSeconds} s`, `${number(rss)} MB`, '', null);
  row('its peak since the start', `${number(peak)} MB`, '< 150 MB', peak < 150);
  row('idle threads, handles', `${threads}, ${handles}`, '', null);
}

async function measureRoom() {
  results.room = await withServer('room', async (server) => {
    await sleep(idleSeconds);
    const alone = await server.cpuPercent(cpuSeconds);
    const room = new BrowserRoom();
    try {
      await room.open(server.url);
      await room.mute();
      await sleep(5);
      const before = await server.metrics();
      const muted = await server.cpuPercent(cpuSeconds);
      const after = await server.metrics();
      const forwardedWhileMuted = after.voicecluster_media_rtp_packets_sent_total - before.voicecluster_media_rtp_packets_sent_total;
      await room.unmute();
      await room.hearEachOther();
      await sleep(5);
      const talking = await server.cpuPercent(cpuSeconds);
      const end = await server.metrics();
      const received = (end.voicecluster_media_rtp_packets_received_total - after.voicecluster_media_rtp_packets_received_total) / (cpuSeconds + 5);
      const { rss } = await server.memory();
      return { alone, muted, talking, forwardedWhileMuted, packetsASecondTalking: received, rss };
    } finally {
      await room.close();
    }
  });
  const { alone, muted, talking, forwardedWhileMuted, rss } = results.room;
  row(`processor, no client, ${cpuSeconds} s`, `${number(alone, 2)}% of a core`, '', null);
  row('processor, 2 browsers, both muted', `${number(muted, 2)}%, ${number(muted - alone, 2)}% over no client`, '< 1%', muted - alone < 1);
  row('packets forwarded while both muted', `${forwardedWhileMuted}`, '0', forwardedWhileMuted === 0);
  row('processor, 2 browsers, both talking', `${number(talking, 2)}%, ${number(talking - alone, 2)}% over no client`, '', null);
  row('memory with them', `${number(rss)} MB`, '', null);
}

/** Memory after a full collection, and everything that could leak. */
async function snapshot(server, cycles) {
  await sleep(settleSeconds);
  const { rss: beforeCollection } = await server.memory();
  await generate('collect', server.pid);
  await sleep(2);
  const { rss, threads } = await server.memory();
  const metrics = await server.metrics();
  const sum = (...names) => names.reduce((total, name) => total + (metrics[name] ?? NaN), 0);
  return {
    cycles, beforeCollection, rss, threads, handles: await server.handles(),
    heap: sum('dotnet_gc_last_collection_heap_size_bytes') / 1024 / 1024,
    unmanaged: rss - sum('dotnet_gc_last_collection_memory_committed_size_bytes') / 1024 / 1024,
    timers: sum('dotnet_timer_count'),
    mediaObjects: sum('voicecluster_media_transports', 'voicecluster_media_producers', 'voicecluster_media_consumers', 'voicecluster_media_rooms'),
    observers: sum('orleans_observers'),
    activations: sum('orleans_catalog_activations'),
    pending: sum('orleans_app_requests_pending'),
    doorObjects: sum('voicecluster_frontend_connections', 'voicecluster_frontend_participants'),
    handshakes: sum('voicecluster_media_dtls_handshakes_completed_total'),
  };
}

async function measureChurn() {
  results.churn = await withServer('churn', async (server) => {
    const steps = [await snapshot(server, 0)];
    const runs = [];
    for (const cycles of [warmUpCycles, churnCycles / 2, churnCycles / 2]) {
      runs.push(await generate('churn', server.url, cycles, churnParallel));
      steps.push(await snapshot(server, steps.at(-1).cycles + cycles));
    }
    return { steps, runs };
  });
  const { steps, runs } = results.churn;
  const [, before, middle, after] = steps;
  const failures = runs.reduce((total, run) => total + run.failures, 0);
  const seconds = runs[1].seconds + runs[2].seconds;
  const perCycle = (field) => (after[field] - before[field]) * 1024 / churnCycles;
  const change = (field, unit = '') => `${number(before[field])}, ${number(middle[field])}, ${number(after[field])}${unit}`;
  const counts = (field) => steps.slice(1).map((step) => step[field]).join(', ');
  row(`${churnCycles} churn cycles of 2 participants`, `${number(seconds)} s, ${after.handshakes - before.handshakes} handshakes, ${failures} failed cycles`, '0 failed', failures === 0);
  row('memory before, halfway, after', change('rss', ' MB'), '', null);
  row('of that not the collector\'s: OpenSSL, buffers, code', `${change('unmanaged', ' MB')} (${number(perCycle('unmanaged'), 2)} KB a cycle)`, 'flat: < 2 KB', perCycle('unmanaged') < 2);
  row('managed heap', `${change('heap', ' MB')} (${number(perCycle('heap'), 2)} KB a cycle)`, 'flat: < 1 KB', perCycle('heap') < 1);
  row('handles', counts('handles'), 'flat: ± 5', Math.abs(after.handles - before.handles) <= 5);
  row('threads', counts('threads'), 'flat: ± 5', Math.abs(after.threads - before.threads) <= 5);
  row('timers', counts('timers'), 'flat: ± 5', Math.abs(after.timers - before.timers) <= 5);
  row('engine: observers, activations, pending calls', steps.slice(1).map((step) => `${step.observers}/${step.activations}/${step.pending}`).join(', '),
    'observers as when idle, 0 pending', after.observers === steps[0].observers && after.pending === 0);
  row('transports, producers, consumers, rooms left', counts('mediaObjects'), '0', after.mediaObjects === 0);
  row('connections, participants left', counts('doorObjects'), '0', after.doorObjects === 0);
}

async function measureMute() {
  results.mute = await withServer('mute', (server) => generate('mute', server.url, muteRounds));
  const { silenceAfterRequestMs: request, silenceAfterAckMs: ack, soundAfterResumeMs: resume, ackMs } = results.mute;
  const spread = ({ median: middle, max }) => `median ${number(middle)} ms, max ${number(max)} ms`;
  row(`pause-producer to its ack, ${muteRounds} rounds`, spread(ackMs), '', null);
  row('pause-producer to the last packet at the listener', spread(request), '< 300 ms', request.max < 300);
  row('the ack to the last packet at the listener', spread(ack), '< 300 ms', ack.max < 300);
  row('resume-producer to the first packet', spread(resume), '', null);
}

/** An hour in which listeners of ten rooms come and go all the time; every five minutes all leave, and what is left is looked at. */
async function measureSoak() {
  results.soak = await withServer('soak', async (server) => {
    const periods = [];
    for (let i = 0; i < soakPeriods; i++) {
      const bench = await run(voicebench, [
        '--url', server.url, '--rooms', 10, '--publishers', 1, '--subscribers', 9, '--churn', soakChurn, '--duration', `${soakSeconds}s`, '--json', '-',
      ], 'ignore');
      const left = await snapshot(server, i);
      periods.push({ bench, left });
      console.error(`  period ${i + 1}: ${bench.churned} came and went, ${bench.joinFailures} failed, loss ${bench.lossPercent}%, latency ${bench.latencyMicroseconds.p50}/${bench.latencyMicroseconds.p99} µs,`
        + ` join ${bench.joinMilliseconds.p50}/${bench.joinMilliseconds.p99} ms, ${number(left.rss)} MB, heap ${number(left.heap, 2)} MB, ${left.handles} handles, ${left.threads} threads, load ${loadavg()[0].toFixed(1)}`);
    }
    return { periods };
  }, { settings: ['--RateLimit:Enabled=false'] });
  const { periods } = results.soak;
  // In the first period the just-in-time compiler and the pools are still growing.
  const flat = (field) => periods.at(-1).left[field] - periods[Math.min(1, periods.length - 1)].left[field];
  const all = (value) => periods.map(value).join(', ');
  const sum = (value) => periods.reduce((total, period) => total + value(period), 0);
  row('soak: clients that came and went, failed', `${sum(({ bench }) => bench.membersJoined)}, ${sum(({ bench }) => bench.joinFailures)}`, '0 failed', sum(({ bench }) => bench.joinFailures) === 0);
  row('soak: packets lost', `${sum(({ bench }) => bench.packetsLost)} of ${sum(({ bench }) => bench.packetsExpected)}`, '', null);
  row('soak: one-way latency p50/p99, µs', all(({ bench }) => `${bench.latencyMicroseconds.p50}/${bench.latencyMicroseconds.p99}`), '', null);
  row('soak: join p50/p99, ms', all(({ bench }) => `${bench.joinMilliseconds.p50}/${bench.joinMilliseconds.p99}`), '', null);
  row('soak: memory after each period, MB', all(({ left }) => number(left.rss)), '', null);
  row('soak: of that not the collector\'s, MB', all(({ left }) => number(left.unmanaged)), 'flat: < 5 MB', flat('unmanaged') < 5);
  row('soak: managed heap, MB', all(({ left }) => number(left.heap, 2)), 'flat: < 1 MB', flat('heap') < 1);
  row('soak: handles', all(({ left }) => left.handles), 'flat: ± 5', Math.abs(flat('handles')) <= 5);
  row('soak: threads', all(({ left }) => left.threads), 'flat: ± 5', Math.abs(flat('threads')) <= 5);
  row('soak: transports, producers, consumers, rooms left', all(({ left }) => left.mediaObjects), '0', periods.every(({ left }) => left.mediaObjects === 0));
  row('soak: connections, participants left', all(({ left }) => left.doorObjects), '0', periods.every(({ left }) => left.doorObjects === 0));
}

const steps = { start: measureStart, idle: measureIdle, room: measureRoom, churn: measureChurn, mute: measureMute, soak: measureSoak };
/** What takes an hour is measured only when it is asked for. */
const long = ['soak'];

async function main(wanted) {
  const unknown = wanted.filter((name) => !(name in steps));
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(', ')}; known are ${Object.keys(steps).join(', ')}`);
    return 2;
  }
  await mkdir(artifacts, { recursive: true });
  const failed = [];
  for (const [name, measure] of Object.entries(steps)) {
    if (wanted.length === 0 ? !long.includes(name) : wanted.includes(name)) {
      console.error(`== ${name}`);
      try {
        await measure();
      } catch (error) {
        failed.push(name);
        console.error(`${name} failed: ${error.stack}`);
      }
    }
  }
  const { stdout: runtime } = await promisify(execFile)('dotnet', ['--version']);
  const memory = await readFile('/proc/meminfo', 'utf8').then((text) => /MemTotal:\s+(\d+)/.exec(text)[1]);
  const machine = {
    processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryGB: Math.round((Number(memory) * 1024 || totalmem()) / 2 ** 30),
    kernel: release(), sdk: runtime.trim(), node: process.version, loadAtEnd: loadavg(),
  };
  await writeFile(path.join(artifacts, 'footprint.json'), `${JSON.stringify({ at: new Date().toISOString(), machine, rows, results }, null, 2)}\n`);
  console.log(`${machine.processor}, ${machine.cores} cores, ${machine.memoryGB} GB, Linux ${machine.kernel}, .NET SDK ${machine.sdk}\n`);
  console.log('| figure | measured | target | | load |\n|---|---|---|---|---|');
  for (const { figure, value, target, verdict, load } of rows) {
    console.log(`| ${figure} | ${value} | ${target} | ${verdict} | ${load} |`);
  }
  const missed = rows.filter((entry) => entry.verdict === 'MISSED').length;
  console.log(`\n${missed} of ${rows.filter((entry) => entry.verdict !== '').length} targets missed${failed.length > 0 ? `; not measured: ${failed.join(', ')}` : ''}.`);
  return missed > 0 || failed.length > 0 ? 1 : 0;
}

process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(130));
}
process.exitCode = await main(process.argv.slice(2));
