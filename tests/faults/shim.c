/* A library to be preloaded: counts the calls that touch files below a folder, and lets one of them fail, or all from one on.
 *   FAULT_FOLDER  only files below it count          FAULT_CALLS  a log: one line a counted call, "open", "write", ...
 *   FAULT_AT      which one fails, from 1; 0: none   FAULT_ONCE   set: only that one; else it and all later ones of its kind
 *   FAULT_KIND    only calls of this kind count      FAULT_ERRNO  the number it fails with
 *   FAULT_KILL    set: instead of failing, the process is killed before the call
 *   FAULT_ALLOC   instead: the n-th calloc made by the program itself (not by a library) fails, and with no FAULT_ONCE all later ones */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static atomic_long calls, allocations;

static long number(const char *variable) {
  const char *text = getenv(variable);
  return text ? atol(text) : 0;
}

static bool below(const char *path) {
  const char *folder = getenv("FAULT_FOLDER");
  char whole[PATH_MAX];
  if (!folder || !path) return false;
  if (path[0] != '/') {
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here)) return false;
    int length = snprintf(whole, sizeof whole, "%s/%s", here, path);
    if (length < 0 || (size_t)length >= sizeof whole) return false;
    path = whole;
  }
  return strncmp(path, folder, strlen(folder)) == 0;
}

static bool below_descriptor(int descriptor) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = 0;
  return below(path);
}

static void note(const char *kind) {
  const char *log = getenv("FAULT_CALLS");
  if (!log) return;
  int file = REAL(int, "open", const char *, int, ...)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return;
  char line[32];
  int length = snprintf(line, sizeof line, "%s\n", kind);
  (void)!REAL(ssize_t, "write", int, const void *, size_t)(file, line, (size_t)length);
  REAL(int, "close", int)(file);
}

/* True when this call is to fail; errno is set. */
static bool fails(const char *kind) {
  const char *only = getenv("FAULT_KIND");
  if (only && *only && strcmp(only, kind) != 0) return false;
  long call = atomic_fetch_add(&calls, 1) + 1, at = number("FAULT_AT");
  note(kind);
  if (at == 0 || call < at || (call > at && getenv("FAULT_ONCE"))) return false;
  if (getenv("FAULT_KILL")) kill(getpid(), SIGKILL);
  errno = (int)number("FAULT_ERRNO");
  return true;
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
  if (below(path) && fails("open")) return -1;
  return REAL(int, name, const char *, int, ...)(path, flags, mode);
}

#define OPEN(name)                                \
  int name(const char *path, int flags, ...) {    \
    va_list rest;                                 \
    va_start(rest, flags);                        \
    mode_t mode = va_arg(rest, mode_t);           \
    va_end(rest);                                 \
    return open_with(#name, path, flags, mode);   \
  }
OPEN(open)
OPEN(open64)

DIR *opendir(const char *path) { return below(path) && fails("open") ? NULL : REAL(DIR *, "opendir", const char *)(path); }

ssize_t write(int file, const void *bytes, size_t size) {
  return below_descriptor(file) && fails("write") ? -1 : REAL(ssize_t, "write", int, const void *, size_t)(file, bytes, size);
}

#define PWRITE(name, offset)                                                                                                          \
  ssize_t name(int file, const void *bytes, size_t size, offset at) {                                                                 \
    return below_descriptor(file) && fails("write") ? -1 : REAL(ssize_t, #name, int, const void *, size_t, offset)(file, bytes, size, at); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PREAD(name, offset)                                                                                                          \
  ssize_t name(int file, void *bytes, size_t size, offset at) {                                                                      \
    return below_descriptor(file) && fails("read") ? -1 : REAL(ssize_t, #name, int, void *, size_t, offset)(file, bytes, size, at);  \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t read(int file, void *bytes, size_t size) {
  return below_descriptor(file) && fails("read") ? -1 : REAL(ssize_t, "read", int, void *, size_t)(file, bytes, size);
}

int fsync(int file) { return below_descriptor(file) && fails("fsync") ? -1 : REAL(int, "fsync", int)(file); }
int fdatasync(int file) { return below_descriptor(file) && fails("fsync") ? -1 : REAL(int, "fdatasync", int)(file); }
int ftruncate(int file, off_t size) { return below_descriptor(file) && fails("truncate") ? -1 : REAL(int, "ftruncate", int, off_t)(file, size); }
int ftruncate64(int file, off64_t size) { return below_descriptor(file) && fails("truncate") ? -1 : REAL(int, "ftruncate64", int, off64_t)(file, size); }
int rename(const char *from, const char *to) { return below(to) && fails("rename") ? -1 : REAL(int, "rename", const char *, const char *)(from, to); }
int unlink(const char *path) { return below(path) && fails("unlink") ? -1 : REAL(int, "unlink", const char *)(path); }

/* ---- memory: calls that come from the program's own code, wherever the kernel has put that --------------------------- */

static atomic_ulong program_start, program_end;

__attribute__((constructor)) static void find_program(void) {
  char path[PATH_MAX], line[PATH_MAX + 200];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  FILE *maps = fopen("/proc/self/maps", "r");
  if (length <= 0 || !maps) return;
  path[length] = 0;
  while (fgets(line, sizeof line, maps)) {
    unsigned long start, end;
    char rights[8];
    if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 || rights[2] != 'x' || !strstr(line, path)) continue;
    program_start = start;
    program_end = end;
  }
  fclose(maps);
}

extern void *__libc_calloc(size_t count, size_t size);

void *calloc(size_t count, size_t size) {
  unsigned long caller = (unsigned long)__builtin_return_address(0);
  long at = program_start && caller >= program_start && caller < program_end ? number("FAULT_ALLOC") : 0;
  if (at > 0) {
    long call = atomic_fetch_add(&allocations, 1) + 1;
    if (call == at || (call > at && !getenv("FAULT_ONCE"))) {
      errno = ENOMEM;
      return NULL;
    }
  }
  return __libc_calloc(count, size);
}
