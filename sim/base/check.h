/* CHECK: for our own bugs only. A failed CHECK prints where and aborts; user errors and the world's errors never come here. */
#ifndef SIM_BASE_CHECK_H
#define SIM_BASE_CHECK_H

_Noreturn void check_failed(const char *file, int line, const char *condition);

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define DEBUG_CHECK(condition) ((void)0)
#else
#define DEBUG_CHECK(condition) CHECK(condition)
#endif

#endif
