/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a goroutine waits, in the runtime's own words (waitReasonStrings in runtime/runtime2.go of Go
 * 1.18 to 1.26). Their numbers there differ from version to version; those here are our own.
 */
#ifndef BASE_GO_REASONS_H
#define BASE_GO_REASONS_H

#include "output/types.h"

/* 1 and up; 0: not one of them. */
uint8_t go_reasons_find(const char *word, size_t n);

/* What it waits for, as a thread would: WAIT_IDLE where nobody holds it up. */
enum wait_kind go_reasons_kind(uint32_t reason);

/* The word; NULL for what is no reason. */
const char *go_reasons_word(uint32_t reason);

#endif
