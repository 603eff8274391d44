/* Finding journals by name: those of a result, or those in a folder. Sorted by share, so that what is said of them is the same everywhere. */
#ifndef SIM_LAB_JOURNAL_FIND_H
#define SIM_LAB_JOURNAL_FIND_H

#include "sim/lab/shard.h"

typedef struct JournalList {
  const char **path;
  size_t count, capacity;
  Arena *arena;
} JournalList;

/* "OUT.shard-2-of-5.journal": *shard is 2/5, and the length of "OUT" is returned; for "OUT.journal" *shard is the whole. 0: another name. */
size_t journal_name_parse(const char *name, Shard *shard);
/* Adds the journals of a result that exist beside it. */
bool journal_find_of(JournalList *list, const char *output, Err *err);
/* Adds what a path stands for: a journal itself, all journals of a folder, or those of a result ("OUT.h5"). */
bool journal_find(JournalList *list, const char *path, Err *err);

#endif
