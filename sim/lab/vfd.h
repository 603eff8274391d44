/* Our HDF5 file driver: HDF5 1.10 crashes when a write fails, so this one never lets it see a failure. It writes to a temporary file
 * beside the target, latches the first error, and reports success until the file is closed; vfd_finish then says what went wrong, or
 * makes the file durable and renames it over the target. Until that rename the target is untouched; after any error the temporary file
 * is gone. One thread; the owner calls vfd_finish or vfd_abandon exactly once after a successful vfd_open. */
#ifndef SIM_LAB_VFD_H
#define SIM_LAB_VFD_H

#include <limits.h>

#include <hdf5.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"

typedef enum VfdCall { VFD_OPEN, VFD_READ, VFD_WRITE, VFD_TRUNCATE, VFD_SYNC, VFD_CLOSE, VFD_RENAME, VFD_OPEN_FOLDER, VFD_SYNC_FOLDER } VfdCall;

/* For tests: `error` gives the errno with which a call is to fail, 0 to let it through. All zero: no faults, usual buffer. */
typedef struct VfdFault {
  int (*error)(void *context, VfdCall call);
  void *context;
  size_t buffer_bytes;
} VfdFault;

typedef struct VfdObject VfdObject; /* HDF5's view of it */

typedef struct Vfd {
  char target[PATH_MAX], temporary[PATH_MAX];
  int descriptor;
  int error;      /* the first errno, 0 while all is well */
  VfdCall failed; /* the call that gave it */
  VfdFault fault;
  unsigned char *buffer; /* bytes not yet written: [buffer_start, buffer_start + buffer_used) */
  size_t buffer_bytes, buffer_used;
  uint64_t buffer_start;
  uint64_t end; /* of the file, buffered bytes counted */
  hid_t driver, file;
  VfdObject *object; /* NULL once HDF5 has closed it */
} Vfd;

/* Makes the temporary file. `fault` may be NULL. */
bool vfd_open(Vfd *vfd, const char *path, const VfdFault *fault, Arena *arena, Err *err);
/* H5Fcreate through this driver; both property lists stay the caller's. The file (also vfd->file) is closed by vfd_finish or vfd_abandon. */
hid_t vfd_create_file(Vfd *vfd, hid_t creation, hid_t access);
/* True while nothing failed: lets long work stop early. */
static inline bool vfd_ok(const Vfd *vfd) { return vfd->error == 0; }
bool vfd_finish(Vfd *vfd, Err *err);
void vfd_abandon(Vfd *vfd);

#endif
