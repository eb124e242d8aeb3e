/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-1 of a whole buffer. */
#include "prog/sha1.h"

#include <endian.h>
#include <string.h>

static uint32_t rol(uint32_t v, unsigned int n)
{
	return v << n | v >> (32 - n);
}

static uint32_t mix(unsigned int round, uint32_t b, uint32_t c, uint32_t d)
{
	switch (round / 20) {
	case 0:
		return (b & c) | (~b & d);
	case 2:
		return (b & c) | (b & d) | (c & d);
	default:
		return b ^ c ^ d;
	}
}

static void block(uint32_t h[5], const uint8_t *p)
{
	static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	memcpy(w, p, 64);
	for (unsigned int i = 0; i < 80; i++) {
		uint32_t t;

		w[i] = i < 16 ? be32toh(w[i]) : rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		t = rol(a, 5) + mix(i, b, c, d) + e + k[i / 20] + w[i];
		e = d;
		d = c;
		c = rol(b, 30);
		b = a;
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void sha1(const void *data, size_t len, uint8_t digest[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	size_t whole = len / 64 * 64, rest = len - whole, padded = rest < 56 ? 64 : 128;
	uint64_t bits = htobe64((uint64_t)len * 8);
	uint8_t last[128] = {0};

	for (size_t i = 0; i < whole; i += 64)
		block(h, (const uint8_t *)data + i);
	memcpy(last, (const uint8_t *)data + whole, rest);
	last[rest] = 0x80;
	memcpy(last + padded - 8, &bits, 8);
	for (size_t i = 0; i < padded; i += 64)
		block(h, last + i);
	for (int i = 0; i < 5; i++) {
		uint32_t be = htobe32(h[i]);

		memcpy(digest + 4 * i, &be, 4);
	}
}
