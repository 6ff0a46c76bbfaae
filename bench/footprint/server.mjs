// The standalone server as a process, and what /proc and /metrics say of it.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const project = path.join(repository, 'src/Standalone');
const program = path.join(repository, 'src/Standalone/bin/Release/net10.0/VoiceCluster.Standalone');
const readyLine = 'VoiceCluster ready:';
const startDeadlineMs = 60_000;
/** SIGTERM drains and ends within 10 s; a process that takes longer is killed, and that is a fault. */
const stopDeadlineMs = 12_000;
/** Ticks of /proc/PID/stat in a second (USER_HZ), 100 on every Linux that .NET runs on. */
const ticksASecond = 100;

const running = new Set();
const folders = new Set();

/** Signals a child, and its children where it leads a group of its own. */
function signal(child, name) {
  try {
    process.kill(child.leadsGroup ? -child.pid : child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') {
      throw error;
    }
  }
}

/** Ends what is still running, at once, and removes its data; for the end of the program. */
export function killAll() {
  for (const child of running) {
    signal(child, 'SIGKILL');
  }
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Follows a child process so that nothing outlives this one. */
export function track(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Starts the server on free ports, itself or through `dotnet run`; resolves at its ready line. */
export async function startServer(name, artifacts, { throughSdk = false, settings = [] } = {}) {
  const data = await mkdtemp(path.join(tmpdir(), 'voicecluster-footprint-'));
  folders.add(data);
  const port = await freeTcpPort();
  const [first, last] = await freeUdpRange(4);
  const args = [
    `--Http:Ports=${port}`, `--Media:PortRange=${first}-${last}`, `--Media:HttpPort=${await freeTcpPort()}`,
    `--Relay:UdpPort=${last + 1}`, `--Data:Path=${data}`, ...settings,
  ];
  const log = createWriteStream(path.join(artifacts, `footprint-${name}.log`));
  const begin = performance.now();
  const [command, prefix] = throughSdk ? ['dotnet', ['run', '-c', 'Release', '--no-build', '--project', project, '--']] : [program, []];
  const child = track(spawn(command, [...prefix, ...args], { cwd: data, stdio: ['ignore', 'pipe', 'pipe'], detached: throughSdk }));
  child.leadsGroup = throughSdk;
  child.stderr.pipe(log);
  const startSeconds = await new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`not ready within ${startDeadlineMs} ms; see ${log.path}`)), startDeadlineMs);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready; see ${log.path}`)));
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith(readyLine)) {
        clearTimeout(deadline);
        resolve((performance.now() - begin) / 1000);
      }
    });
  });
  await answers(`http://127.0.0.1:${port}/health/ready`);
  await answers(`http://127.0.0.1:${port}/`);
  return new Server(child, `http://127.0.0.1:${port}`, data, startSeconds);
}

/** The ready line must be true: what it promises answers at once. */
async function answers(url) {
  const { status } = await fetch(url);
  if (status !== 200) {
    throw new Error(`${url} answered ${status} after the ready line`);
  }
}

class Server {
  constructor(child, url, data, startSeconds) {
    Object.assign(this, { child, url, data, startSeconds });
  }

  get pid() {
    return this.child.pid;
  }

  /** Resident memory now and at its peak, in MB (2^20), and threads. */
  async memory() {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
    return { rss: field('VmRSS') / 1024, peak: field('VmHWM') / 1024, threads: field('Threads') };
  }

  /** Processor seconds that the process has used, user and system. */
  async cpuSeconds() {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksASecond;
  }

  /** Percent of one core over so many seconds. */
  async cpuPercent(seconds) {
    const [used, at] = [await this.cpuSeconds(), performance.now()];
    await sleep(seconds);
    return (await this.cpuSeconds() - used) / ((performance.now() - at) / 1000) * 100;
  }

  async handles() {
    return (await readdir(`/proc/${this.pid}/fd`)).length;
  }

  /** The sum over all labels of a metric. */
  async metrics() {
    const response = await fetch(`${this.url}/metrics`);
    if (!response.ok) {
      throw new Error(`/metrics answered ${response.status}`);
    }
    const sums = {};
    for (const line of (await response.text()).split('\n')) {
      const found = /^([a-z_]+)(?:\{.*\})? (\S+)$/.exec(line);
      if (found) {
        sums[found[1]] = (sums[found[1]] ?? 0) + Number(found[2]);
      }
    }
    return sums;
  }

  /** Stops as an operator does; gives the seconds it took, throws when the end is not clean. */
  async stop() {
    const begin = performance.now();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.once('exit', resolve));
      signal(this.child, 'SIGTERM');
      const kill = setTimeout(() => signal(this.child, 'SIGKILL'), stopDeadlineMs);
      await ended;
      clearTimeout(kill);
    }
    await rm(this.data, { recursive: true, force: true });
    folders.delete(this.data);
    if (this.child.exitCode !== 0) {
      throw new Error(`the server ended with code ${this.child.exitCode}, signal ${this.child.signalCode}`);
    }
    return (performance.now() - begin) / 1000;
  }
}

export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

async function freeTcpPort() {
  const probe = createServer();
  await new Promise((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** So many UDP ports in a row that are free, and one more behind them. */
async function freeUdpRange(count) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const probes = await Promise.all(Array.from({ length: count + 1 }, (_, i) => bindUdp(first + i)));
    await Promise.all(probes.filter(Boolean).map((probe) => new Promise((resolve) => probe.close(resolve))));
    if (probes.every(Boolean)) {
      return [first, first + count - 1];
    }
  }
  throw new Error('no free UDP ports');
}

function bindUdp(port) {
  const probe = createSocket('udp4');
  return new Promise((resolve) => {
    probe.once('error', () => resolve(null));
    probe.bind(port, '127.0.0.1', () => resolve(probe));
  });
}
