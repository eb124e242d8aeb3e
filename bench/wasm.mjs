// SPDX-License-Identifier: BSD-2-Clause
// Runs the workloads in V8: reads lines "prep I" and "work I N CALLS", answers "CHECKSUM NS".
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const PAGE = 65536;
const WORK = 80 << 20;
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const w = instance.exports;
const base = w.memory.buffer.byteLength;
w.memory.grow(WORK / PAGE);
w.bench_setup(base);

for await (const line of createInterface({ input: process.stdin })) {
	const [verb, i, n, calls] = line.split(' ');
	let sum = 0n;
	const start = process.hrtime.bigint();
	if (verb === 'prep') {
		w.bench_prep(Number(i));
	} else {
		const index = Number(i), ops = BigInt(n), times = Number(calls);
		for (let k = 0; k < times; k++)
			sum = w.bench_work(index, ops);
	}
	const ns = process.hrtime.bigint() - start;
	process.stdout.write(`${BigInt.asUintN(64, sum)} ${ns}\n`);
}
