/* See journal_find.h. */
#include "sim/lab/journal_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/text.h"

static const char ending[] = ".journal";

size_t journal_name_parse(const char *name, Shard *shard) {
  size_t length = strlen(name), tail = sizeof ending - 1;
  *shard = (Shard){0, 0};
  if (length <= tail || strcmp(name + length - tail, ending) != 0) return 0;
  length -= tail;
  char digits[32], *minus;
  size_t start = length;
  while (start > 0 && length - start < sizeof digits && name[start - 1] != '.') start--;
  if (start < 2 || name[start - 1] != '.' || length - start >= sizeof digits || strncmp(name + start, "shard-", 6) != 0) return length;
  memcpy(digits, name + start + 6, length - start - 6);
  digits[length - start - 6] = 0;
  minus = strstr(digits, "-of-");
  if (!minus) return length;
  *minus = '/';
  memmove(minus + 1, minus + 4, strlen(minus + 4) + 1);
  Shard found;
  if (!shard_parse(digits, &found)) return length;
  *shard = found;
  return start - 1;
}

static void list_add(JournalList *list, const char *path) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? 2 * list->capacity : 16;
    list->path = (const char **)arena_grow(list->arena, list->path, list->count, list->capacity, sizeof *list->path);
  }
  list->path[list->count++] = arena_text(list->arena, path, strlen(path));
}

/* By result, then number of shares, then share. */
static int path_order(const void *a, const void *b) {
  const char *left = *(const char *const *)a, *right = *(const char *const *)b;
  Shard x, y;
  size_t n = journal_name_parse(left, &x), m = journal_name_parse(right, &y);
  int names = strncmp(left, right, n < m ? n : m);
  if (names || n != m) return names ? names : n < m ? -1 : 1;
  if (x.count != y.count) return x.count < y.count ? -1 : 1;
  return x.index < y.index ? -1 : x.index > y.index;
}

/* All journals of a folder, or those of one result in it. A file that goes away meanwhile is no error. */
static bool folder_add(JournalList *list, const char *folder, const char *prefix, const char *result, Err *err) {
  DIR *open_folder = opendir(folder);
  if (!open_folder) return err_add(err, ERR_IO, "cannot open the folder '%s': %s", folder, strerror(errno));
  size_t first = list->count;
  struct dirent *entry;
  while ((errno = 0, entry = readdir(open_folder))) {
    Shard shard;
    size_t length = journal_name_parse(entry->d_name, &shard);
    if (length == 0 || (result && (strlen(result) != length || memcmp(result, entry->d_name, length) != 0))) continue;
    list_add(list, arena_format(list->arena, "%s%s", prefix, entry->d_name));
  }
  int error = errno;
  closedir(open_folder);
  if (error) return err_add(err, ERR_IO, "cannot read the folder '%s': %s", folder, strerror(error));
  if (list->count > first) qsort(list->path + first, list->count - first, sizeof *list->path, path_order);
  return true;
}

bool journal_find_of(JournalList *list, const char *output, Err *err) {
  const char *slash = strrchr(output, '/');
  const char *prefix = slash ? arena_text(list->arena, output, (size_t)(slash + 1 - output)) : "";
  return folder_add(list, slash ? prefix : ".", prefix, slash ? slash + 1 : output, err);
}

bool journal_find(JournalList *list, const char *path, Err *err) {
  struct stat status;
  Shard shard;
  if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
    size_t length = strlen(path);
    bool slash = length > 0 && path[length - 1] == '/';
    return folder_add(list, path, arena_format(list->arena, "%s%s", path, slash ? "" : "/"), NULL, err);
  }
  if (journal_name_parse(path, &shard) == 0) return journal_find_of(list, path, err);
  list_add(list, path);
  return true;
}
