/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/instruction.h"

#define LONGEST 15u

/* What follows an opcode (Intel SDM, volume 2, appendix A). m: ModRM; b w z v o: an immediate of 1,
 * 2, 4 (2 with an operand size prefix), 4 or 8 bytes (by REX.W), an address; E: 3 bytes; M: ModRM
 * and b; Z: ModRM and z; j: b; J: 4 bytes; 3, 7: m, M or Z by ModRM; p: prefix; r: REX; U W Y: VEX
 * and EVEX; e 8 A: more opcode bytes; x: none. */
static const char one_byte[] = "mmmmbzxxmmmmbzxemmmmbzxxmmmmbzxx"
			       "mmmmbzpxmmmmbzpxmmmmbzpxmmmmbzpx"
			       "rrrrrrrrrrrrrrrr0000000000000000"
			       "xxYmppppzZbM0000jjjjjjjjjjjjjjjj"
			       "MZxMmmmmmmmmmmmm0000000000x00000"
			       "oooo0000bz000000bbbbbbbbvvvvvvvv"
			       "MMw0WUMZE0w00bx0mmmmxxx0mmmmmmmm"
			       "jjjjbbbbJJxj0000p0pp0037000000mm";
static const char two_byte[] = "mmmmx00000x0xmxxmmmmmmmmmmmmmmmm"
			       "mmmmxxxxmmmmmmmm000000008xAxxxxx"
			       "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmmMMMMmmm0xxxxmmmm"
			       "JJJJJJJJJJJJJJJJmmmmmmmmmmmmmmmm"
			       "000mMmxx000mMmmmmmmmmmmmmmMmmmmm"
			       "mmMmMMMm00000000mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

_Static_assert(sizeof(one_byte) == 257 && sizeof(two_byte) == 257, "one letter for each opcode");

/* Bytes of ModRM, SIB and displacement. */
static uint32_t modrm_length(const uint8_t *p)
{
	int mod = p[0] >> 6, rm = p[0] & 7;
	int has_sib = mod != 3 && rm == 4;

	if (mod == 1)
		return 2 + has_sib;
	if (mod == 2 || (mod == 0 && (rm == 5 || (has_sib && (p[1] & 7) == 5))))
		return 5 + has_sib;
	return 1 + has_sib;
}

/* Opcode bytes of map 1 (0f), 2 (0f 38), 3 (0f 3a) and the later ones. */
static char letter_of_map(unsigned map, uint8_t opcode)
{
	return map == 1 ? two_byte[opcode] : map == 3 ? 'M' : map ? 'm' : 'x';
}

static int64_t read_immediate(const uint8_t *p, uint32_t size)
{
	int8_t one;
	int16_t two;
	int32_t four;

	if (size == 1)
		return memcpy(&one, p, 1), one;
	if (size == 2)
		return memcpy(&two, p, 2), two;
	if (size == 4)
		return memcpy(&four, p, 4), four;
	return 0;
}

/* From behind the opcode. The whole length, or 0. */
static uint32_t finish(
	struct instruction *out, char letter, const uint8_t *begin, const uint8_t *at, int is_short)
{
	uint32_t z = is_short ? 2 : 4, immediate = 0;

	out->modrm = at;
	if (letter == '3' || letter == '7')
		letter = at[0] & 0x30 ? 'm' : letter == '3' ? 'M' : 'Z';
	if (letter == 'm' || letter == 'M' || letter == 'Z')
		at += modrm_length(at);
	switch (letter) {
	case 'x':
	case 'p':
	case 'r':
		return 0;
	case 'b':
	case 'j':
	case 'M':
		immediate = 1;
		break;
	case 'w':
		immediate = 2;
		break;
	case 'E':
		immediate = 3;
		break;
	case 'z':
	case 'Z':
		immediate = z;
		break;
	case 'J':
		immediate = 4;
		break;
	case 'v':
		immediate = out->rex & 8 ? 8 : z;
		break;
	case 'o':
		immediate = 8;
		break;
	}
	out->immediate = read_immediate(at, immediate);
	return at + immediate - begin;
}

static uint32_t decode(const uint8_t *begin, struct instruction *out)
{
	const uint8_t *at = begin;
	int is_short = 0;
	char letter = one_byte[*at];

	for (; letter == 'p' && at < begin + 8; letter = one_byte[*++at])
		is_short |= *at == 0x66;
	if (letter == 'r') {
		out->rex = *at;
		letter = one_byte[*++at];
	}
	out->opcode = *at++;
	if (letter == 'e') {
		out->is_wide = 1;
		out->opcode = *at;
		letter = two_byte[*at++];
		if (letter == '8' || letter == 'A')
			letter = letter_of_map(letter == '8' ? 2 : 3, *at++);
	} else if (letter == 'U' || letter == 'W' || letter == 'Y') {
		unsigned map = letter == 'U' ? 1 : at[0] & (letter == 'W' ? 31 : 7);
		at += letter == 'U' ? 1 : letter == 'W' ? 2 : 3;
		out->is_vector = 1;
		letter = letter_of_map(map, *at++);
	}
	return finish(out, letter, begin, at, is_short);
}

int instruction_decode(const uint8_t *p, size_t n, struct instruction *out)
{
	uint8_t bytes[LONGEST + 17] = {0};
	struct instruction i = {0};

	memcpy(bytes, p, n < LONGEST ? n : LONGEST);
	i.length = decode(bytes, &i);
	if (!i.length || i.length > n || i.length > LONGEST)
		return -1;
	i.is_return = !i.is_wide && !i.is_vector && (i.opcode == 0xc3 || i.opcode == 0xc2);
	i.modrm = p + (i.modrm - bytes);
	*out = i;
	return 0;
}

size_t instruction_marks(const uint8_t *p)
{
	size_t n = memcmp(p, INSTRUCTION_ENDBR64) ? 0 : 4;

	return n + (p[n] == 0xf2 || p[n] == 0x3e);
}
