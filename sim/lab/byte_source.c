/* Reading plain, gzip and tar files in one direction; see byte_source.h. inflate (zlib) does the decompression; gzread would not do, since
 * it takes what follows a gzip stream for nothing.
 * Sources: RFC 1952 (gzip: members may follow one another), POSIX.1-2017 pax (ustar header block, `path` records), GNU tar manual
 * ("Basic Tar Format": long names, base-256 sizes). */
#include "sim/lab/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FILE_BYTES = 1 << 17, PLAIN_BYTES = 1 << 17, TAR_BLOCK = 512, TAR_TEXT_MOST = 1 << 16 };

struct ByteSource {
  const char *path, *name;
  Arena *arena;
  Err *err;
  size_t first_error; /* errors of err that are older */
  int file;
  bool gzip, tar, file_ended, begun, in_stream; /* in_stream: a gzip stream is not at its end */
  z_stream stream;
  unsigned char *in;   /* what the file gave: [in_at, in_end) is unread */
  size_t in_at, in_end;
  unsigned char *out;  /* plain bytes: [out_at, out_end) is unread */
  size_t out_at, out_end;
  uint64_t left, padding; /* of a tar's member: its bytes, and those behind it up to the next block */
};

static bool failed(const ByteSource *source) { return source->err->count > source->first_error; }

static bool damaged(ByteSource *source, const char *why) {
  return err_add(source->err, ERR_SCENARIO, "%.200s: %s", source->path, why);
}

/* ---- the file ---- */

static bool fill_in(ByteSource *source) {
  ssize_t n;
  if (source->file_ended) return true;
  do n = read(source->file, source->in, FILE_BYTES);
  while (n < 0 && errno == EINTR);
  if (n < 0) return err_add(source->err, ERR_IO, "cannot read %.200s: %s", source->path, strerror(errno));
  source->in_at = 0;
  source->in_end = (size_t)n;
  source->file_ended = n == 0;
  return true;
}

static voidpf stream_alloc(voidpf arena, uInt count, uInt size) { return arena_alloc(arena, count, size); }
static void stream_free(voidpf arena, voidpf address) {
  (void)arena;
  (void)address;
}

/* Another gzip stream may follow one that ended; anything else is damage. */
static bool stream_follows(ByteSource *source) {
  static const unsigned char magic[] = {0x1f, 0x8b};
  if (source->in_at == source->in_end && !fill_in(source)) return false;
  if (source->in_at == source->in_end) return false;
  if (source->in[source->in_at] != magic[0]) return damaged(source, "bytes that are no gzip stream follow the end of one");
  source->in_stream = inflateReset(&source->stream) == Z_OK;
  return source->in_stream;
}

static size_t inflate_some(ByteSource *source, unsigned char *out, size_t room) {
  z_stream *stream = &source->stream;
  stream->next_out = out;
  stream->avail_out = (uInt)room;
  while (stream->avail_out == room) {
    if (!source->in_stream && !stream_follows(source)) return 0;
    if (source->in_at == source->in_end && !fill_in(source)) return 0;
    if (source->in_at == source->in_end) return damaged(source, "the gzip stream ends early; the file was cut off"), 0;
    stream->next_in = source->in + source->in_at;
    stream->avail_in = (uInt)(source->in_end - source->in_at);
    int result = inflate(stream, Z_NO_FLUSH);
    source->in_at = source->in_end - stream->avail_in;
    if (result == Z_STREAM_END) source->in_stream = false;
    else if (result != Z_OK && result != Z_BUF_ERROR) return damaged(source, "the gzip stream is damaged"), 0;
  }
  return room - stream->avail_out;
}

/* Plain bytes, whatever the file is; 0 at the end or with an error. */
static size_t read_plain(ByteSource *source, unsigned char *out, size_t room) {
  if (source->gzip) return inflate_some(source, out, room);
  if (source->in_at == source->in_end && !fill_in(source)) return 0;
  size_t n = source->in_end - source->in_at;
  if (n > room) n = room;
  memcpy(out, source->in + source->in_at, n);
  source->in_at += n;
  return n;
}

/* At least `wanted` plain bytes in `out`, or all there are. */
static size_t peek_plain(ByteSource *source, size_t wanted) {
  size_t have = source->out_end - source->out_at, n = 1;
  if (have >= wanted) return have;
  memmove(source->out, source->out + source->out_at, have);
  source->out_at = 0;
  source->out_end = have;
  while (source->out_end < wanted && n > 0) {
    n = read_plain(source, source->out + source->out_end, PLAIN_BYTES - source->out_end);
    source->out_end += n;
  }
  return source->out_end;
}

static size_t take_plain(ByteSource *source, char *buffer, size_t room) {
  size_t have = source->out_end - source->out_at;
  if (have == 0) return read_plain(source, (unsigned char *)buffer, room);
  if (have > room) have = room;
  memcpy(buffer, source->out + source->out_at, have);
  source->out_at += have;
  return have;
}

/* ---- tar ---- */

/* Octal digits, or base 256 where the first bit is set (GNU). */
static bool tar_number(const unsigned char *text, size_t n, uint64_t *value) {
  *value = 0;
  if (text[0] & 0x80) {
    for (size_t k = 0; k < n; k++) {
      if (*value >> 55) return false;
      *value = *value << 8 | (k ? text[k] : text[k] & 0x7f);
    }
    return true;
  }
  size_t k = 0;
  while (k < n && text[k] == ' ') k++;
  for (; k < n && text[k] >= '0' && text[k] <= '7'; k++) *value = *value << 3 | (uint64_t)(text[k] - '0');
  return k == n || text[k] == '\0' || text[k] == ' ';
}

/* The header's checksum is the sum of its bytes with blanks in the checksum's own place. */
static bool tar_header_valid(const unsigned char *block) {
  uint64_t stated, sum = 0;
  if (!tar_number(block + 148, 8, &stated)) return false;
  for (size_t k = 0; k < TAR_BLOCK; k++) sum += k >= 148 && k < 156 ? ' ' : block[k];
  return sum == stated;
}

static bool all_zero(const unsigned char *block) {
  for (size_t k = 0; k < TAR_BLOCK; k++)
    if (block[k]) return false;
  return true;
}

static bool skip_member(ByteSource *source) {
  char bytes[4096];
  uint64_t left = source->left + source->padding;
  while (left > 0) {
    size_t n = take_plain(source, bytes, left < sizeof bytes ? (size_t)left : sizeof bytes);
    if (n == 0) return failed(source) ? false : damaged(source, "the tar ends inside a member; the file was cut off");
    left -= n;
  }
  source->left = source->padding = 0;
  return true;
}

/* The content of a member that holds a name for the next one. */
static char *tar_text(ByteSource *source) {
  size_t length = 0, n;
  if (source->left > TAR_TEXT_MOST) return damaged(source, "a name in the tar is too long"), NULL;
  char *text = arena_alloc(source->arena, (size_t)source->left + 1, 1);
  while (source->left > 0 && (n = take_plain(source, text + length, (size_t)source->left)) > 0) {
    length += n;
    source->left -= n;
  }
  return skip_member(source) ? text : NULL;
}

/* "30 path=folder/name\n" among the records of a pax header, or NULL. */
static char *pax_path(char *records) {
  char *path = strstr(records, " path=");
  if (!path) return NULL;
  path += strlen(" path=");
  path[strcspn(path, "\n")] = '\0';
  return path;
}

static const char *header_name(const unsigned char *block, Arena *arena) {
  const char *name = (const char *)block, *prefix = (const char *)block + 345;
  bool ustar = memcmp(block + 257, "ustar\0", 6) == 0;
  if (!ustar || !prefix[0]) return arena_format(arena, "%.100s", name);
  return arena_format(arena, "%.155s/%.100s", prefix, name);
}

/* Reads headers up to that of a regular file. */
static bool tar_next(ByteSource *source) {
  char *long_name = NULL;
  while (skip_member(source)) {
    size_t have = peek_plain(source, TAR_BLOCK);
    const unsigned char *block = source->out + source->out_at;
    if (failed(source) || have == 0) return false;
    if (have < TAR_BLOCK) return damaged(source, "the tar ends inside a header; the file was cut off");
    source->out_at += TAR_BLOCK;
    if (all_zero(block)) return false;
    if (!tar_header_valid(block) || !tar_number(block + 124, 12, &source->left)) return damaged(source, "a header of the tar is damaged");
    source->padding = (TAR_BLOCK - source->left % TAR_BLOCK) % TAR_BLOCK;
    char kind = (char)block[156];
    const char *name = long_name ? long_name : header_name(block, source->arena);
    if (kind == 'L' || kind == 'x') {
      char *text = tar_text(source);
      if (!text) return false;
      long_name = kind == 'L' ? text : pax_path(text);
    } else if (kind == '0' || kind == '\0') {
      source->name = arena_format(source->arena, "%s(%s)", source->path, name);
      return true;
    } else {
      long_name = NULL;
    }
  }
  return false;
}

/* ---- the whole ---- */

ByteSource *bytes_open(const char *path, Arena *arena, Err *err) {
  struct stat status;
  int file = open(path, O_RDONLY | O_CLOEXEC), error = errno;
  if (file >= 0 && fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
    close(file);
    file = -1;
    error = EISDIR;
  }
  if (file < 0) {
    err_add(err, ERR_IO, "cannot open %.200s: %s", path, strerror(error));
    return NULL;
  }
  ByteSource *source = ARENA_NEW(arena, ByteSource);
  *source = (ByteSource){.path = path, .name = path, .arena = arena, .err = err, .first_error = err->count, .file = file};
  source->in = arena_alloc(arena, FILE_BYTES, 1);
  source->out = arena_alloc(arena, PLAIN_BYTES, 1);
  bool good = fill_in(source);
  source->gzip = source->in_end >= 2 && source->in[0] == 0x1f && source->in[1] == 0x8b;
  if (source->gzip) {
    source->stream = (z_stream){.zalloc = stream_alloc, .zfree = stream_free, .opaque = arena};
    source->in_stream = inflateInit2(&source->stream, 16 + MAX_WBITS) == Z_OK;
  }
  size_t have = good ? peek_plain(source, TAR_BLOCK) : 0;
  source->tar = have >= TAR_BLOCK && memcmp(source->out + 257, "ustar", 5) == 0 && tar_header_valid(source->out);
  if (!failed(source)) return source;
  bytes_close(source);
  return NULL;
}

bool bytes_next_member(ByteSource *source) {
  if (source->tar) return tar_next(source);
  bool first = !source->begun;
  source->begun = true;
  return first;
}

size_t bytes_read(ByteSource *source, char *buffer, size_t room) {
  if (!source->tar) return take_plain(source, buffer, room);
  if (room > source->left) room = (size_t)source->left;
  if (room == 0) return 0;
  size_t n = take_plain(source, buffer, room);
  if (n == 0 && !failed(source)) damaged(source, "the tar ends inside a member; the file was cut off");
  source->left -= n;
  return n;
}

const char *bytes_name(const ByteSource *source) { return source->name; }
bool bytes_is_tar(const ByteSource *source) { return source->tar; }
void bytes_close(ByteSource *source) { close(source->file); }
