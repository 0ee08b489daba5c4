/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/push/answer.h"

enum answer_meaning answer_meaning(const struct answer *a)
{
	if (a->error)
		return a->error == ANSWER_DIED ? ANSWER_FAILED : ANSWER_AWAY;
	switch (a->status) {
	case 408:
	case 429:
	case 502:
	case 503:
	case 504:
		return ANSWER_AWAY;
	}
	if (a->status >= 200 && a->status < 300)
		return ANSWER_TAKEN;
	return a->status >= 300 && a->status < 500 ? ANSWER_REFUSED : ANSWER_FAILED;
}
