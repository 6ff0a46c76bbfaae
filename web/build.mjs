// Builds the page into src/ApiFrontend/wwwroot, whose files are committed.
//   node build.mjs                 writes wwwroot
//   node build.mjs --check         builds elsewhere and fails when wwwroot differs
//   node build.mjs --harness DIR   writes the browser tests' page (harness/) into DIR
import { build } from 'esbuild';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const wwwroot = path.resolve(here, '../src/ApiFrontend/wwwroot');

/** Settings that both bundles share; the same input gives the same bytes on every machine. */
const shared = {
  absWorkingDir: here,
  bundle: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  target: ['es2022'],
};

async function buildPage(target) {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const script = await build({
    ...shared, minify: true, format: 'iife', metafile: true,
    entryPoints: ['src/main.ts'], outfile: path.join(target, 'app.js'),
  });
  await build({ ...shared, minify: true, entryPoints: ['styles/app.css'], outfile: path.join(target, 'app.css') });
  await cp(path.join(here, 'public'), target, { recursive: true });
  await buildDocs(path.join(target, 'docs'));
  await writeFile(path.join(target, 'licenses.txt'), await licenses(Object.keys(script.metafile.inputs)));
}

/** The page that shows /openapi/v1.json. */
async function buildDocs(target) {
  await build({ ...shared, minify: true, format: 'iife', entryPoints: ['docs/main.ts'], outfile: path.join(target, 'docs.js') });
  await build({ ...shared, minify: true, entryPoints: ['docs/docs.css'], outfile: path.join(target, 'docs.css') });
  await cp(path.join(here, 'docs/index.html'), path.join(target, 'index.html'));
}

async function buildHarness(target) {
  await mkdir(target, { recursive: true });
  await build({
    ...shared, format: 'iife', sourcemap: 'inline',
    entryPoints: ['harness/main.ts'], outfile: path.join(target, 'harness.js'),
  });
  await cp(path.join(here, 'harness/index.html'), path.join(target, 'index.html'));
}

/** The licences of the packages inside app.js, which ask to be passed on with it. */
async function licenses(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) {
      packages.add(found[1]);
    }
  }

  const parts = [];
  for (const name of [...packages].sort()) {
    const folder = path.join(here, 'node_modules', name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).sort().find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(path.join(folder, file), 'utf8') : `Licence: ${license}`;
    parts.push(`${name} ${version}\n\n${text.replaceAll('\r\n', '\n').split('\n').map((line) => line.trimEnd()).join('\n').trim()}\n`);
  }
  return parts.join(`\n${'-'.repeat(72)}\n\n`);
}

async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort();
}

async function check() {
  const fresh = await mkdtemp(path.join(tmpdir(), 'voicecluster-web-'));
  try {
    await buildPage(fresh);
    const names = new Set([...await filesOf(fresh), ...await filesOf(wwwroot).catch(() => [])]);
    const stale = [];
    for (const name of names) {
      const [built, committed] = await Promise.all(
        [fresh, wwwroot].map((folder) => readFile(path.join(folder, name)).catch(() => null)));
      if (built === null || committed === null || !built.equals(committed)) {
        stale.push(name);
      }
    }
    if (stale.length > 0) {
      console.error(`wwwroot is not what web/ builds: ${stale.join(', ')}. Run \`npm run build\` in web/ and commit the result.`);
      process.exitCode = 1;
    } else {
      console.log(`wwwroot is current (${names.size} files).`);
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const [mode, argument] = process.argv.slice(2);
if (mode === undefined) {
  await buildPage(wwwroot);
} else if (mode === '--check') {
  await check();
} else if (mode === '--harness' && argument) {
  await buildHarness(path.resolve(argument));
} else {
  console.error('usage: node build.mjs [--check | --harness DIR]');
  process.exitCode = 2;
}
