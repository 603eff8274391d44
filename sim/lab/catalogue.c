/* Embeds configs/catalog/nodes.yaml with the assembler's .incbin (gcc and clang alike; found from the top folder, where make runs) and
 * decodes it as a map of entries. */
#include "sim/lab/catalogue.h"

#include "sim/lab/decode.h"

__asm__(".pushsection .rodata\n"
        ".hidden headroom_catalogue\n"
        ".hidden headroom_catalogue_end\n"
        ".global headroom_catalogue\n"
        ".global headroom_catalogue_end\n"
        "headroom_catalogue:\n"
        ".incbin \"configs/catalog/nodes.yaml\"\n"
        "headroom_catalogue_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char headroom_catalogue[], headroom_catalogue_end[];

#define ROW_STRUCT CatalogueEntry
static const Field entry_fields[] = {FIELD_ROWS(MACHINE_FIELDS) FIELD_ROWS(CATALOGUE_FIELDS)};
#undef ROW_STRUCT
static const Type entry_type = FIELD_TYPE("catalogue entry", "a machine of the catalogue", CatalogueEntry, entry_fields, NULL);

static MachineSpec machine_of(const CatalogueEntry *entry) {
  return (MachineSpec){.name = entry->key,
                       .cpu_millicores = entry->cpu_millicores,
                       .memory_bytes = entry->memory_bytes,
                       .gpu_milligpus = entry->gpu_milligpus,
                       .allocatable_cpu_millicores = entry->allocatable_cpu_millicores,
                       .allocatable_memory_bytes = entry->allocatable_memory_bytes,
                       .price_nano_usd_per_h = entry->price_nano_usd_per_h,
                       .speed = entry->speed};
}

bool catalogue_load(Catalogue *catalogue, const CatalogueEntry **entries, Arena *arena, Err *err) {
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  *source = (YamlSource){.name = "configs/catalog/nodes.yaml", .text = headroom_catalogue, .length = (size_t)(headroom_catalogue_end - headroom_catalogue), .is_file = true};
  const Yaml *root = yaml_parse(source, arena, err);
  if (!root) return false;
  if (root->kind != YAML_MAP) return yaml_error(err, ERR_SCENARIO, root->mark, "the catalogue is a map of machines");
  Decoder decoder = {.arena = arena, .err = err};
  CatalogueEntry *entry = ARENA_ARRAY(arena, CatalogueEntry, root->count);
  MachineSpec *machine = ARENA_ARRAY(arena, MachineSpec, root->count);
  const char **name = ARENA_ARRAY(arena, const char *, root->count);
  bool good = true;
  for (size_t k = 0; k < root->count; k++) {
    good &= decode_type(&decoder, &entry_type, root->entry[k].value, root->entry[k].mark, &entry[k]);
    entry[k].key = name[k] = root->entry[k].key;
    machine[k] = machine_of(&entry[k]);
  }
  *catalogue = (Catalogue){machine, name, root->count};
  if (entries) *entries = entry;
  return good;
}
