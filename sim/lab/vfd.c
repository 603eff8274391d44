/* The file driver of vfd.h. The object that HDF5 holds outlives a Vfd when HDF5 fails to close it; it is then cut loose and does
 * nothing. Every system call goes through one function each, where tests inject errors; nothing is done after the first error. */
#include "sim/lab/vfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

struct VfdObject {
  H5FD_t public; /* first: HDF5 sees only this */
  Vfd *vfd;      /* NULL: cut loose */
  haddr_t eoa;
};

/* The driver's property in a file access list. */
typedef struct VfdInfo {
  Vfd *vfd;
} VfdInfo;

enum { BUFFER_BYTES = 1 << 20 };

/* ---- system calls ------------------------------------------------------------------------------------------------ */

static void vfd_fail(Vfd *vfd, VfdCall call, int error) {
  if (vfd->error) return;
  vfd->error = error ? error : EIO;
  vfd->failed = call;
}

/* False when the test wants this call to fail. */
static bool vfd_allowed(Vfd *vfd, VfdCall call) {
  int error = vfd->fault.error ? vfd->fault.error(vfd->fault.context, call) : 0;
  if (error) vfd_fail(vfd, call, error);
  return error == 0;
}

static void vfd_pwrite(Vfd *vfd, const unsigned char *bytes, size_t size, uint64_t at) {
  if (!vfd_ok(vfd) || !vfd_allowed(vfd, VFD_WRITE)) return;
  while (size > 0) {
    ssize_t done = pwrite(vfd->descriptor, bytes, size, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      vfd_fail(vfd, VFD_WRITE, done < 0 ? errno : ENOSPC);
      return;
    }
    bytes += done;
    size -= (size_t)done;
    at += (uint64_t)done;
  }
}

static void vfd_pread(Vfd *vfd, unsigned char *bytes, size_t size, uint64_t at) {
  if (!vfd_ok(vfd) || !vfd_allowed(vfd, VFD_READ)) return;
  while (size > 0) {
    ssize_t done = pread(vfd->descriptor, bytes, size, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) vfd_fail(vfd, VFD_READ, errno);
    if (done <= 0) return; /* past the end: zeros */
    bytes += done;
    size -= (size_t)done;
    at += (uint64_t)done;
  }
}

static void vfd_flush(Vfd *vfd) {
  if (vfd->buffer_used > 0) vfd_pwrite(vfd, vfd->buffer, vfd->buffer_used, vfd->buffer_start);
  vfd->buffer_used = 0;
}

static void vfd_write(Vfd *vfd, const unsigned char *bytes, size_t size, uint64_t at) {
  if (at + size > vfd->end) vfd->end = at + size;
  bool touches = vfd->buffer_used > 0 && at >= vfd->buffer_start && at <= vfd->buffer_start + vfd->buffer_used;
  if (!touches || at + size > vfd->buffer_start + vfd->buffer_bytes) {
    vfd_flush(vfd);
    vfd->buffer_start = at;
    if (size > vfd->buffer_bytes) {
      vfd_pwrite(vfd, bytes, size, at);
      return;
    }
  }
  size_t offset = (size_t)(at - vfd->buffer_start);
  memcpy(vfd->buffer + offset, bytes, size);
  if (offset + size > vfd->buffer_used) vfd->buffer_used = offset + size;
}

static void vfd_truncate(Vfd *vfd, uint64_t size) {
  vfd_flush(vfd);
  if (vfd->end == size || !vfd_ok(vfd) || !vfd_allowed(vfd, VFD_TRUNCATE)) return;
  if (ftruncate(vfd->descriptor, (off_t)size) != 0) vfd_fail(vfd, VFD_TRUNCATE, errno);
  vfd->end = size;
}

/* ---- what HDF5 calls --------------------------------------------------------------------------------------------- */

static VfdObject *object_of(H5FD_t *file) { return (VfdObject *)(void *)file; }
static const VfdObject *object_of_const(const H5FD_t *file) { return (const VfdObject *)(const void *)file; }

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t limit) {
  (void)name, (void)flags, (void)limit;
  const VfdInfo *info = (const VfdInfo *)H5Pget_driver_info(access);
  if (!info || info->vfd->object) return NULL;
  VfdObject *object = (VfdObject *)calloc(1, sizeof *object);
  if (!object) {
    vfd_fail(info->vfd, VFD_OPEN, ENOMEM);
    return NULL;
  }
  object->vfd = info->vfd;
  info->vfd->object = object;
  return &object->public;
}

static herr_t driver_close(H5FD_t *file) {
  VfdObject *object = object_of(file);
  if (object->vfd) object->vfd->object = NULL;
  free(object);
  return 0;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return object_of_const(file)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  object_of(file)->eoa = address;
  return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  const VfdObject *object = object_of_const(file);
  return object->vfd ? object->vfd->end : object->eoa;
}

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type, (void)transfer;
  Vfd *vfd = object_of(file)->vfd;
  memset(buffer, 0, size);
  if (!vfd) return 0;
  vfd_flush(vfd);
  vfd_pread(vfd, (unsigned char *)buffer, size, address);
  return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer) {
  (void)type, (void)transfer;
  Vfd *vfd = object_of(file)->vfd;
  if (vfd) vfd_write(vfd, (const unsigned char *)buffer, size, address);
  return 0;
}

static herr_t driver_truncate(H5FD_t *file, hid_t transfer, hbool_t closing) {
  (void)transfer, (void)closing;
  VfdObject *object = object_of(file);
  if (object->vfd) vfd_truncate(object->vfd, object->eoa);
  return 0;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "headroom",
    .maxaddr = ((haddr_t)1 << 62),
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(VfdInfo),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* ---- what the store calls ---------------------------------------------------------------------------------------- */

/* Why, in words: "cannot write 'x.h5': No space left on device (fsync)". Removes what is left. */
static bool vfd_report(Vfd *vfd, Err *err) {
  static const char *const call_name[] = {"open", "read", "write", "truncate", "fsync", "close", "rename", "open of its folder", "fsync of its folder"};
  char reason[128];
  return err_add(err, ERR_IO, "cannot write '%s': %s (%s)", vfd->target, strerror_r(vfd->error, reason, sizeof reason), call_name[vfd->failed]);
}

/* The target behind a symbolic link, so that the rename replaces the file and not the link. */
static bool vfd_resolve(Vfd *vfd, const char *path, Err *err) {
  struct stat status;
  char resolved[PATH_MAX];
  if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && realpath(path, resolved)) path = resolved;
  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    return err_add(err, ERR_IO, "cannot write '%s': it is %s", path, S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
  }
  int length = snprintf(vfd->temporary, sizeof vfd->temporary, "%s.partial", path);
  if (length < 0 || (size_t)length >= sizeof vfd->temporary) return err_add(err, ERR_IO, "cannot write '%.80s...': the path is too long", path);
  memcpy(vfd->target, path, strlen(path) + 1);
  return true;
}

static void vfd_close_descriptor(Vfd *vfd) {
  if (vfd->descriptor < 0) return;
  if (vfd_ok(vfd)) (void)vfd_allowed(vfd, VFD_CLOSE);
  if (close(vfd->descriptor) != 0) vfd_fail(vfd, VFD_CLOSE, errno);
  vfd->descriptor = -1;
}

/* True when the descriptor is still what the name stands for: another writer may have renamed it between our open and our lock. */
static bool vfd_is_named(const Vfd *vfd) {
  struct stat open_file, named;
  return fstat(vfd->descriptor, &open_file) == 0 && lstat(vfd->temporary, &named) == 0 && open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* Opens the temporary file, takes it over if a killed writer left it, and locks it as long as it is open. False when another writer
 * holds it; an error is latched as usual. File systems without locks are taken as they are. */
static bool vfd_open_temporary(Vfd *vfd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  for (;;) {
    vfd->descriptor = open(vfd->temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (vfd->descriptor < 0) {
      vfd_fail(vfd, VFD_OPEN, errno);
      return true;
    }
    bool busy = fcntl(vfd->descriptor, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES);
    if (!busy && vfd_is_named(vfd)) break;
    close(vfd->descriptor);
    vfd->descriptor = -1;
    if (busy) return false;
  }
  if (ftruncate(vfd->descriptor, 0) == 0) return true;
  vfd_fail(vfd, VFD_TRUNCATE, errno);
  vfd_close_descriptor(vfd);
  return true;
}

bool vfd_open(Vfd *vfd, const char *path, const VfdFault *fault, Arena *arena, Err *err) {
  memset(vfd, 0, sizeof *vfd);
  vfd->descriptor = -1;
  vfd->driver = vfd->file = H5I_INVALID_HID;
  if (fault) vfd->fault = *fault;
  if (!vfd_resolve(vfd, path, err)) return false;
  if (vfd_allowed(vfd, VFD_OPEN) && !vfd_open_temporary(vfd)) {
    return err_add(err, ERR_IO, "'%s' is being written by another headroom; wait for it, or choose another output", vfd->target);
  }
  if (!vfd_ok(vfd)) return vfd_report(vfd, err);
  vfd->buffer_bytes = vfd->fault.buffer_bytes ? vfd->fault.buffer_bytes : BUFFER_BYTES;
  vfd->buffer = ARENA_ARRAY(arena, unsigned char, vfd->buffer_bytes);
  return true;
}

hid_t vfd_create_file(Vfd *vfd, hid_t creation, hid_t access) {
  vfd->driver = H5FDregister(&driver_class);
  VfdInfo info = {vfd};
  if (vfd->driver < 0 || H5Pset_driver(access, vfd->driver, &info) < 0) return H5I_INVALID_HID;
  vfd->file = H5Fcreate(vfd->target, H5F_ACC_TRUNC, creation, access);
  return vfd->file;
}

/* Closes HDF5's side. If HDF5 keeps its object, the object is cut loose and the file counts as failed. */
static void vfd_detach(Vfd *vfd) {
  if (vfd->file >= 0 && H5Fclose(vfd->file) < 0) vfd_fail(vfd, VFD_CLOSE, EIO);
  vfd->file = H5I_INVALID_HID;
  if (vfd->object) {
    vfd_fail(vfd, VFD_CLOSE, EIO);
    vfd->object->vfd = NULL;
    vfd->object = NULL;
  }
  if (vfd->driver >= 0) H5FDunregister(vfd->driver);
  vfd->driver = H5I_INVALID_HID;
}

static void vfd_sync(Vfd *vfd, int descriptor, VfdCall call) {
  if (!vfd_ok(vfd) || !vfd_allowed(vfd, call)) return;
  if (fsync(descriptor) != 0) vfd_fail(vfd, call, errno);
}

static void vfd_rename(Vfd *vfd) {
  if (!vfd_ok(vfd) || !vfd_allowed(vfd, VFD_RENAME)) return;
  if (rename(vfd->temporary, vfd->target) != 0) vfd_fail(vfd, VFD_RENAME, errno);
}

/* Makes the rename durable. Some file systems cannot sync a folder and say EINVAL: there is nothing more to be done there. */
static void vfd_sync_folder(Vfd *vfd) {
  if (!vfd_ok(vfd) || !vfd_allowed(vfd, VFD_OPEN_FOLDER)) return;
  char folder[PATH_MAX];
  const char *slash = strrchr(vfd->target, '/');
  size_t length = slash ? (size_t)(slash - vfd->target) + 1 : 1;
  memcpy(folder, slash ? vfd->target : ".", length);
  folder[length] = 0;
  int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    vfd_fail(vfd, VFD_OPEN_FOLDER, errno);
    return;
  }
  vfd_sync(vfd, descriptor, VFD_SYNC_FOLDER);
  if (vfd->error == EINVAL) vfd->error = 0;
  close(descriptor);
}

bool vfd_finish(Vfd *vfd, Err *err) {
  vfd_detach(vfd);
  vfd_flush(vfd);
  vfd_sync(vfd, vfd->descriptor, VFD_SYNC);
  vfd_close_descriptor(vfd);
  vfd_rename(vfd);
  bool in_place = vfd_ok(vfd);
  vfd_sync_folder(vfd);
  if (!in_place) (void)unlink(vfd->temporary);
  return vfd_ok(vfd) || vfd_report(vfd, err);
}

void vfd_abandon(Vfd *vfd) {
  vfd_fail(vfd, VFD_CLOSE, ECANCELED);
  vfd_detach(vfd);
  vfd_close_descriptor(vfd);
  (void)unlink(vfd->temporary);
}
