/* Byte-exact edits of YAML texts: scenarios by path, manifests by the places of their nodes, and the diffs that are printed. */
#include <string.h>

#include "sim/lab/tune_write.h"
#include "tests/testing.h"

typedef struct Bench {
  Arena arena;
  Err err;
} Bench;

static TextSetting setting(Bench *b, const char *path, const char *value) {
  TextSetting s = {.path = path};
  YamlStep *step;
  const char *why;
  YamlSource *source = ARENA_NEW(&b->arena, YamlSource);
  *source = (YamlSource){.name = "value", .text = value, .length = strlen(value)};
  assert_true(yaml_path(path, &b->arena, &step, &s.n_steps, &why));
  s.step = step;
  s.value = yaml_parse(source, &b->arena, &b->err);
  return s;
}

static void check_set(const char *text, const char *path, const char *value, const char *expected) {
  Bench b = {0};
  YamlSource source = {.name = "s.yaml", .text = text, .length = strlen(text), .is_file = true};
  TextSetting s = setting(&b, path, value);
  const char *now;
  size_t length;
  bool good = text_set(&source, &s, 1, &now, &length, &b.arena, &b.err);
  assert_int_equal(good, expected != NULL);
  if (good) assert_string_equal(now, expected);
  arena_free(&b.arena);
}

static void test_scenario_texts(void **state) {
  (void)state;
  check_set("a: {b: 1} # c\n", "a.b", "2", "a: {b: 2} # c\n");
  check_set("a:\n  # why\n  b: 'x y'   # end\n", "a.b", "z", "a:\n  # why\n  b: 'z'   # end\n");
  check_set("a:\n  b: \"5\"\n", "a.b", "70", "a:\n  b: \"70\"\n");
  check_set("a: [1, {k: 2}, 3]\n", "a[1].k", "4", "a: [1, {k: 4}, 3]\n");
  check_set("a: {}\n", "a.b.c", "4", "a: {b: {c: 4}}\n");
  check_set("a:\n    x: 1\n", "a.b", "4", "a:\n    b: 4\n    x: 1\n");
  check_set("a: name\n", "a.name.k", "4", "a: {name: {k: 4}}\n");
  check_set("a: {m: {p: [1, '}']} , z: 1}\n", "a.m", "{q: 2}", "a: {m: {q: 2} , z: 1}\n");
  check_set("x: 3", "x", "4", "x: 4");
  check_set("a: &v 1\nb: *v\n", "a", "2", NULL);
  check_set("a:\n  b: folded\n    text\n", "a.b", "2", NULL);
}

static void test_several_at_once(void **state) {
  (void)state;
  Bench b = {0};
  const char *text = "s:\n  t: {scale: horizontal}\n";
  YamlSource source = {.name = "s.yaml", .text = text, .length = strlen(text), .is_file = true};
  TextSetting all[2] = {setting(&b, "s.t.scale.horizontal.target", "60%"), setting(&b, "s.t.scale.horizontal.window", "2m")};
  const char *now;
  size_t length;
  assert_true(text_set(&source, all, 2, &now, &length, &b.arena, &b.err));
  assert_string_equal(now, "s:\n  t: {scale: {horizontal: {window: 2m, target: 60%}}}\n");
  arena_free(&b.arena);
}

/* A tree that holds the documents of two files, as a scenario with manifests does. */
static void test_documents(void **state) {
  (void)state;
  Bench b = {0};
  const char *text = "# ours\nkind: A\nspec: {x: 1}\n---\nkind: HPA\nspec:\n  metrics:\n    - target: {averageUtilization: 70}  # busy\n  minReplicas: \"2\"\n";
  const char *scenario = "documents: []\n";
  YamlSource manifest = {.name = "k8s/hpa.yaml", .text = text, .length = strlen(text), .is_file = true};
  YamlSource own = {.name = "s.yaml", .text = scenario, .length = strlen(scenario), .is_file = true};
  size_t n, length, count;
  const Yaml *const *document = yaml_parse_all(&manifest, &n, &b.arena, &b.err);
  assert_int_equal(n, 2);
  const YamlStep step = {"documents", 0};
  const char *why, *now;
  YamlEntry entry[2] = {{NULL, document[0]->mark, document[0]}, {NULL, document[1]->mark, document[1]}};
  Yaml list = {.kind = YAML_LIST, .mark = document[0]->mark, .count = 2, .entry = entry};
  const Yaml *root = yaml_with(yaml_parse(&own, &b.arena, &b.err), &step, 1, &list, &b.arena, &why);
  TextSetting all[3] = {setting(&b, "documents[1].spec.metrics[0].target.averageUtilization", "62"), setting(&b, "documents[1].spec.minReplicas", "3"),
                        setting(&b, "documents[1].spec.maxReplicas", "9")};
  for (int k = 0; k < 3; k++) assert_ptr_equal(setting_source(root, &all[k]), &manifest);
  assert_true(documents_set(root, &manifest, all, 3, &now, &length, &count, &b.arena, &b.err));
  assert_int_equal(count, 3);
  assert_string_equal(now, "# ours\nkind: A\nspec: {x: 1}\n---\nkind: HPA\nspec:\n  maxReplicas: 9\n  metrics:\n    - target: {averageUtilization: 62}  # busy\n  minReplicas: \"3\"\n");
  assert_string_equal(text_diff("k8s/hpa.yaml", text, "out/hpa.yaml", now, &b.arena),
                      "--- k8s/hpa.yaml\n+++ out/hpa.yaml\n@@ -7,3 +7,4 @@\n-  metrics:\n-    - target: {averageUtilization: 70}  # busy\n-  minReplicas: \"2\"\n"
                      "+  maxReplicas: 9\n+  metrics:\n+    - target: {averageUtilization: 62}  # busy\n+  minReplicas: \"3\"\n");
  arena_free(&b.arena);
}

static void test_diff(void **state) {
  (void)state;
  Arena arena = {0};
  assert_string_equal(text_diff("a", "x\ny\n", "b", "x\ny\n", &arena), "");
  assert_string_equal(text_diff("a", "x\ny\nz\n", "b", "x\nw\nz\n", &arena), "--- a\n+++ b\n@@ -2,1 +2,1 @@\n-y\n+w\n");
  assert_string_equal(text_diff("a", "x\n", "b", "x\ny\n", &arena), "--- a\n+++ b\n@@ -1,0 +2,1 @@\n+y\n");
  assert_string_equal(text_diff("a", "x\ny\n", "b", "y\n", &arena), "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n");
  arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scenario_texts),
      cmocka_unit_test(test_several_at_once),
      cmocka_unit_test(test_documents),
      cmocka_unit_test(test_diff),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
