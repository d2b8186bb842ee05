/* memory_tree.h - the file tree of a node in memory. Links are not followed. Inside lab/panel only. */
#ifndef BERTH_LAB_PANEL_MEMORY_TREE_H
#define BERTH_LAB_PANEL_MEMORY_TREE_H

#include "panel.h"

struct tree_node {
    char *name;
    uint32_t hash;
    struct tree_node *parent, **children;
    size_t child_count, child_capacity;
    bool is_dir, is_link, is_immutable;
    unsigned mode;
    char owner[PANEL_NAME_MAX], group[PANEL_NAME_MAX];
    struct buf text;  /* of a file; the target of a link */
    int64_t modified; /* the tree's change counter when it was last changed */
};

struct tree {
    struct tree_node *root;
    int64_t changes;
};

void tree_init(struct tree *tree);
void tree_finish(struct tree *tree);
struct tree_node *tree_find(const struct tree *tree, const char *path);
/** Find or create; NULL when the parent is missing, not a folder, immutable, or the name is too long. */
struct tree_node *tree_create(struct tree *tree, const char *path, bool is_dir, unsigned mode);
/** Delete a node and what is below it; false when something immutable stays. */
bool tree_remove(struct tree *tree, struct tree_node *node);
bool tree_move(struct tree *tree, struct tree_node *node, const char *path);
void tree_touch(struct tree *tree, struct tree_node *node);

#endif
