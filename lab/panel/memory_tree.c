/* memory_tree.c - the file tree of a node in memory. Children keep a hash of their name, so that a folder with a thousand
 * users is walked without comparing strings. */
#include "memory_tree.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 255 /* as on ext4: the panel meets this limit with names that are too long */

static uint32_t hash_name(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash;
}

static struct tree_node *node_create(const char *name, size_t length, bool is_dir, unsigned mode)
{
    struct tree_node *node = xcalloc(1, sizeof(*node));
    node->name = xstrndup(name, length);
    node->hash = hash_name(name, length);
    node->is_dir = is_dir;
    node->mode = mode;
    snprintf(node->owner, sizeof(node->owner), "root");
    snprintf(node->group, sizeof(node->group), "root");
    return node;
}

static void node_destroy(struct tree_node *node)
{
    for (size_t i = 0; i < node->child_count; i++)
        node_destroy(node->children[i]);
    free(node->children);
    buf_finish(&node->text);
    free(node->name);
    free(node);
}

void tree_init(struct tree *tree)
{
    *tree = (struct tree){ .root = node_create("", 0, true, 0755) };
}

void tree_finish(struct tree *tree)
{
    node_destroy(tree->root);
    tree->root = NULL;
}

static struct tree_node *child_find(const struct tree_node *node, const char *name, size_t length)
{
    uint32_t hash = hash_name(name, length);
    for (size_t i = 0; i < node->child_count; i++) {
        struct tree_node *child = node->children[i];
        if (child->hash == hash && strlen(child->name) == length && memcmp(child->name, name, length) == 0)
            return child;
    }
    return NULL;
}

/* The node of all parts but the last; ret_last is the last part's name. */
static struct tree_node *walk(const struct tree *tree, const char *path, const char **ret_last, size_t *ret_length)
{
    struct tree_node *node = tree->root;
    while (true) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (path[length + strspn(path + length, "/")] == '\0') {
            *ret_last = path;
            *ret_length = length;
            return node;
        }
        node = child_find(node, path, length);
        if (node == NULL || !node->is_dir)
            return NULL;
        path += length;
    }
}

struct tree_node *tree_find(const struct tree *tree, const char *path)
{
    const char *last;
    size_t length;
    struct tree_node *parent = walk(tree, path, &last, &length);
    if (parent == NULL || length == 0)
        return parent;
    return child_find(parent, last, length);
}

static void child_add(struct tree_node *parent, struct tree_node *child)
{
    if (parent->child_count == parent->child_capacity) {
        parent->child_capacity = parent->child_capacity == 0 ? 4 : parent->child_capacity * 2;
        parent->children = xrealloc(parent->children, parent->child_capacity * sizeof(struct tree_node *));
    }
    parent->children[parent->child_count++] = child;
    child->parent = parent;
}

static void child_drop(struct tree_node *child)
{
    struct tree_node *parent = child->parent;
    for (size_t i = 0; i < parent->child_count; i++) {
        if (parent->children[i] == child) {
            memmove(&parent->children[i], &parent->children[i + 1],
                    (parent->child_count - i - 1) * sizeof(struct tree_node *));
            parent->child_count--;
            return;
        }
    }
}

void tree_touch(struct tree *tree, struct tree_node *node)
{
    node->modified = ++tree->changes;
}

struct tree_node *tree_create(struct tree *tree, const char *path, bool is_dir, unsigned mode)
{
    const char *last;
    size_t length;
    struct tree_node *parent = walk(tree, path, &last, &length);
    if (parent == NULL || !parent->is_dir || length == 0 || length > NAME_BYTES_MAX)
        return NULL;
    struct tree_node *node = child_find(parent, last, length);
    if (node != NULL)
        return node;
    if (parent->is_immutable)
        return NULL;
    node = node_create(last, length, is_dir, mode);
    child_add(parent, node);
    tree_touch(tree, node);
    return node;
}

static bool is_held(const struct tree_node *node)
{
    return node->is_immutable || (node->parent != NULL && node->parent->is_immutable);
}

bool tree_remove(struct tree *tree, struct tree_node *node)
{
    if (is_held(node) || node->parent == NULL)
        return false;
    bool is_whole = true;
    for (size_t i = node->child_count; i > 0; i--)
        is_whole &= tree_remove(tree, node->children[i - 1]);
    if (!is_whole)
        return false;
    child_drop(node);
    node_destroy(node);
    tree->changes++;
    return true;
}

bool tree_move(struct tree *tree, struct tree_node *node, const char *path)
{
    const char *last;
    size_t length;
    struct tree_node *parent = walk(tree, path, &last, &length);
    if (parent == NULL || !parent->is_dir || length == 0 || length > NAME_BYTES_MAX || is_held(node))
        return false;
    struct tree_node *old = child_find(parent, last, length);
    if (old == node)
        return true;
    if (old != NULL && !tree_remove(tree, old))
        return false;
    child_drop(node);
    free(node->name);
    node->name = xstrndup(last, length);
    node->hash = hash_name(last, length);
    child_add(parent, node);
    tree_touch(tree, node);
    return true;
}
