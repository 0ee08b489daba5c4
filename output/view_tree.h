/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All stacks of a profile as one tree, the root first, so that what they share stands once. Frames
 * are lines of locations; equal ones are one. For view_json.c.
 */
#ifndef OUTPUT_VIEW_TREE_H
#define OUTPUT_VIEW_TREE_H

#include "base/index.h"
#include "output/profile.h"

struct view_frame {
	uint32_t function, line, module;
	uint32_t is_inlined; /* into its caller */
	uint64_t offset;     /* in the module's file, where there is no function */
};

/* A file: several mappings of it are one here. */
struct view_module {
	uint32_t file, build_id; /* strings of the profile */
};

struct view_node {
	uint32_t parent, frame; /* 1..n; parent 0: the root, which is not in the list */
};

struct view_tree {
	struct view_module *modules;	/* the executable first */
	uint32_t *module_of, n_modules; /* each mapping's, 1..n */
	struct view_frame *frames;
	struct view_node *nodes; /* a parent stands before its children */
	uint32_t *leaf_of;	 /* each sample's node; 0: it has no frames */
	uint32_t n_frames, n_nodes, frames_room, nodes_room;
	/* The frames of each location, outermost first: they begin at listed[first_of[it]]. */
	uint32_t *first_of, *listed, n_listed;
	struct index by_module, by_frame, by_node;
};

int view_tree_init(struct view_tree *t, const struct profile *p); /* 0, -ENOMEM, or -E2BIG */
void view_tree_fini(struct view_tree *t);

#endif
