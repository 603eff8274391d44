/* Escaping for JSON and CSV. */
#include "sim/app/machine_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void json_string(const char *text) {
  putchar('"');
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\') printf("\\%c", *c);
    else if (*c < 0x20) printf("\\u%04x", *c);
    else putchar(*c);
  }
  putchar('"');
}

void json_number(double x) {
  if (isfinite(x)) printf("%.17g", x);
  else printf("null");
}

void csv_number(double x) {
  if (isfinite(x)) printf("%.10g", x);
}

void csv_string(const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, stdout);
    return;
  }
  putchar('"');
  for (const char *c = text; *c; c++) {
    if (*c == '"') putchar('"');
    putchar(*c);
  }
  putchar('"');
}
