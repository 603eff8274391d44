/* Changing fields of a YAML text and nothing else: every byte that is not part of a changed value stays, comments and all. The new text is
 * parsed again and must be the old tree with the changes made, or it is refused: an anchor that others use, a folded text or a merged
 * key cannot be changed in place. */
#ifndef SIM_LAB_TUNE_WRITE_H
#define SIM_LAB_TUNE_WRITE_H

#include "sim/lab/yaml.h"

/* A path is to hold a value. */
typedef struct TextSetting {
  const char *path;
  const YamlStep *step;
  size_t n_steps;
  const Yaml *value;
} TextSetting;

/* The text with all settings made. Where a key is missing it is put first into the map that is there. False with a located error that says
 * what is to be done by hand. */
bool text_set(const YamlSource *source, const TextSetting *setting, size_t n, const char **text, size_t *length, Arena *arena, Err *err);
/* The file in which a path of a tree is written: that of the deepest node there is on the way. */
const YamlSource *setting_source(const Yaml *root, const TextSetting *setting);
/* The same for a file that the tree holds documents of (a manifest): those of the settings that are written in `source`, found by the
 * places of the tree's nodes. *count: how many they are. */
bool documents_set(const Yaml *root, const YamlSource *source, const TextSetting *setting, size_t n, const char **text, size_t *length, size_t *count,
                   Arena *arena, Err *err);
/* Equal but for quotes and places. */
bool yaml_equal(const Yaml *a, const Yaml *b);
/* A unified diff without context lines; "" where nothing differs. */
const char *text_diff(const char *old_name, const char *old_text, const char *new_name, const char *new_text, Arena *arena);
/* Writes a file whole or not at all: temporary name, fsync, rename. */
bool text_file_write(const char *path, const char *text, size_t length, Err *err);

#endif
