// What node asks malloc for: buffers, compression, hashing, text decoding and worker threads.
// (Its JavaScript objects lie in memory that V8 maps itself.)
const crypto = require('crypto');
const zlib = require('zlib');
const { Worker } = require('worker_threads');

let seed = 1;
const rng = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return (seed >>> 8) % n;
};

const work = () => {
  const digest = crypto.createHash('sha256');
  const kept = [];
  for (let round = 0; round < 1200; round++) {
    const text = Array.from({ length: 1500 }, () => rng(1e6).toString(36)).join(' ');
    const packed = zlib.deflateSync(text, { level: 6 });
    if (zlib.inflateSync(packed).toString('latin1') !== text) throw new Error('inflate');
    digest.update(packed);
    // Not pooled: each one is a block from calloc.
    for (let i = 0; i < 60; i++) kept.push(Buffer.alloc(64 + rng(12000), round & 255));
    if (kept.length > 6000) kept.splice(0, 3000);
  }
  for (const buffer of kept) digest.update(buffer);
  return { digest: digest.digest('hex'), kept };
};

const { digest, kept } = work();
const worker = new Worker(
  `const { parentPort } = require('worker_threads');
   const blocks = [];
   for (let i = 0; i < 2000; i++) blocks.push(new Uint8Array(1 + (i * 7919) % 20000).fill(i));
   parentPort.postMessage(blocks.reduce((sum, block) => (sum * 31 + block[0]) % 1000003, 7));`,
  { eval: true },
);
worker.on('message', (sum) => {
  console.log(digest, sum, kept.length);
  process.exit(0); // at once, with everything alive
});
