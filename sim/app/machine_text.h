/* Texts and numbers for machines, on standard output: JSON (RFC 8259) and CSV fields (RFC 4180). */
#ifndef SIM_APP_MACHINE_TEXT_H
#define SIM_APP_MACHINE_TEXT_H

void json_string(const char *text);
/* null where it is not finite. */
void json_number(double x);
/* Empty where it is not finite. */
void csv_number(double x);
/* Quoted where it must be. */
void csv_string(const char *text);

#endif
