/* Every policy in a whole run, however it is computed: step-of-load.yaml by the fast loops, by the plain loop, stopping at every notice, and with
 * threads, gives the same bits. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/run_fixture.h"
#include "tests/testing.h"

static char *read_scenario(void) {
  FILE *file = fopen("tests/conformance/step-of-load.yaml", "rb");
  assert_non_null(file);
  enum { MOST_BYTES = 1 << 16 };
  char *text = calloc(1, MOST_BYTES);
  assert_non_null(text);
  size_t bytes = fread(text, 1, MOST_BYTES - 1, file);
  assert_true(bytes > 0 && bytes < MOST_BYTES - 1);
  fclose(file);
  return text;
}

static void the_same_however_computed(void **state) {
  (void)state;
  char *text = read_scenario();
  Fixture fixture = {0};
  open_scenario(&fixture, text);
  assert_true(fixture.scenario.strategies.count > 20);
  for (uint32_t strategy = 0; strategy < fixture.scenario.strategies.count; strategy++) assert_same_every_way(&fixture, strategy);
  close_scenario(&fixture);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_however_computed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
