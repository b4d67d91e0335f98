/*
 * Stands between a program and its device: a shared library for LD_PRELOAD. Whatever the program does to files below one
 * directory is written to a log, in order and with the bytes, so that a power loss at any moment can be rebuilt; and on order
 * a call fails as a full or broken device makes it fail.
 *
 * Environment
 *   DEVICE_SHIM_DIR     files below this directory (an absolute path without links) are the device
 *   DEVICE_SHIM_LOG     the log is <this>.<pid>, one for each process that touches the device
 *   DEVICE_SHIM_MARKS   what is written to this file appears in the log as marks, between the calls
 *   DEVICE_SHIM_ORDERS  when this file exists it holds one order; counting starts with 1 when it appears or changes
 *   DEVICE_SHIM_ONLY    only files whose name ends so are counted for orders
 *
 * Not seen: bytes that change through a shared mapping, and copies made inside the kernel (copy_file_range, sendfile).
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include "shim-files.h"
#include "shim-log.h"
#include "shim-orders.h"

enum { SECTOR = 512, PARTS_MAX = 1024 };

static void copy_setting(char *into, size_t size, const char *name) {
  const char *value = getenv(name);
  snprintf(into, size, "%s", value == NULL ? "" : value);
}

__attribute__((constructor)) static void read_settings(void) {
  copy_setting(directory, sizeof directory, "DEVICE_SHIM_DIR");
  copy_setting(marks, sizeof marks, "DEVICE_SHIM_MARKS");
  copy_setting(orders, sizeof orders, "DEVICE_SHIM_ORDERS");
  copy_setting(only, sizeof only, "DEVICE_SHIM_ONLY");
  copy_setting(log_path, sizeof log_path, "DEVICE_SHIM_LOG");
  directory_length = strlen(directory);
}

/* What befalls a call on this file. */
static int fault_on(const struct slot *slot, int is_write, int is_growth, int is_sync) {
  return slot->is_counted ? fault_of(slot->inode, is_write, is_growth, is_sync) : NO_FAULT;
}

static int open_file(int at, const char *path, int flags, mode_t mode) {
  uint64_t start = now();
  /* Whether it is new, only the exclusive way to make it tells. */
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) == 0) {
    int fd = (int)syscall(SYS_openat, at, path, flags | O_EXCL, mode);
    if (fd >= 0) {
      opened(fd, flags, 1, start);
      return fd;
    }
    if (errno != EEXIST) return fd;
  }
  int fd = (int)syscall(SYS_openat, at, path, flags, mode);
  if (fd >= 0) opened(fd, flags, (flags & O_EXCL) != 0, start);
  return fd;
}

#define OPENER(name, at, ...)                              \
  int name(__VA_ARGS__, int flags, ...) {                  \
    mode_t mode = 0;                                       \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {            \
      va_list rest;                                        \
      va_start(rest, flags);                               \
      mode = va_arg(rest, mode_t);                         \
      va_end(rest);                                        \
    }                                                      \
    return open_file(at, path, flags, mode);               \
  }
OPENER(open, AT_FDCWD, const char *path)
OPENER(open64, AT_FDCWD, const char *path)
OPENER(openat, at, int at, const char *path)
OPENER(openat64, at, int at, const char *path)

int close(int fd) {
  if (fd >= 0 && fd < SLOTS) slots[fd].used = 0;
  return (int)syscall(SYS_close, fd);
}

static int copied(int from, int to) {
  if (to >= 0 && to < SLOTS && from >= 0 && from < SLOTS && from != to) slots[to] = slots[from];
  return to;
}
int dup(int fd) { return copied(fd, (int)syscall(SYS_dup, fd)); }
int dup2(int fd, int to) { return fd == to ? to : copied(fd, (int)syscall(SYS_dup3, fd, to, 0)); }
int dup3(int fd, int to, int flags) { return copied(fd, (int)syscall(SYS_dup3, fd, to, flags)); }

/* ---- writes ---- */

static ssize_t really_write(int fd, const struct iovec *parts, int count, off_t offset) {
  if (offset < 0) return syscall(SYS_writev, fd, parts, count);
  return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

/* The front half in whole sectors, as a device that fills up while it writes. */
static ssize_t write_short(int fd, const struct iovec *parts, int count, off_t offset, size_t size) {
  struct iovec front[PARTS_MAX];
  size_t left = size / 2 / SECTOR * SECTOR;
  int used = 0;
  for (; used < count && used < PARTS_MAX && left > 0; used++) {
    front[used] = parts[used];
    if (front[used].iov_len > left) front[used].iov_len = left;
    left -= front[used].iov_len;
  }
  if (used > 0) return really_write(fd, front, used, offset);
  errno = ENOSPC;
  return -1;
}

/* `offset` -1: at the descriptor's own position. */
static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t offset) {
  struct stat status;
  struct slot *slot = slot_of(fd, &status);
  if (slot == NULL) return really_write(fd, parts, count, offset);
  struct header header = { .kind = slot->is_mark ? MARK : WRITE, .file = slot->inode, .start = now() };
  size_t size = 0;
  for (int part = 0; part < count; part++) size += parts[part].iov_len;
  off_t place = offset;
  if (place < 0) {
    int is_appending = (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0;
    place = is_appending ? status.st_size : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
  }
  int how = slot->is_mark ? NO_FAULT : fault_on(slot, 1, place + (off_t)size > status.st_size, slot->is_synchronous);
  if (how == ENOSPC) {
    errno = how;
    return -1;
  }
  ssize_t written = how == SHORT ? write_short(fd, parts, count, offset, size) : really_write(fd, parts, count, offset);
  if (written < 0) return written;
  header.offset = place;
  header.result = written;
  if (how == EIO) header.flag = FAILED;
  else if (slot->is_synchronous && how != HIDE) header.flag = DURABLE;
  record(header, parts, count, (size_t)written);
  if (how != EIO) return written;
  /* The cache holds the bytes, as after a real failure; the device, nobody knows. */
  errno = EIO;
  return -1;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  struct iovec part = { (void *)bytes, size };
  if (fd < 0 || fd >= SLOTS || !slots[fd].used) return syscall(SYS_write, fd, bytes, size);
  return write_parts(fd, &part, 1, -1);
}
ssize_t writev(int fd, const struct iovec *parts, int count) { return write_parts(fd, parts, count, -1); }

static ssize_t write_at(int fd, const void *bytes, size_t size, off_t offset) {
  struct iovec part = { (void *)bytes, size };
  if (offset < 0) {
    errno = EINVAL;
    return -1;
  }
  return write_parts(fd, &part, 1, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) { return write_at(fd, bytes, size, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) { return write_at(fd, bytes, size, offset); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return write_parts(fd, parts, count, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return write_parts(fd, parts, count, offset); }

/* ---- lengths ---- */

static int set_length(int fd, off_t length) {
  struct stat status;
  struct slot *slot = slot_of(fd, &status);
  if (slot == NULL) return (int)syscall(SYS_ftruncate, fd, length);
  uint64_t start = now();
  int how = fault_on(slot, length > status.st_size, length > status.st_size, 0);
  if (how > 0) {
    errno = how;
    return -1;
  }
  int outcome = (int)syscall(SYS_ftruncate, fd, length);
  if (outcome == 0) record((struct header){ .kind = TRUNCATE, .file = slot->inode, .offset = length, .start = start }, NULL, 0, 0);
  return outcome;
}
int ftruncate(int fd, off_t length) { return set_length(fd, length); }
int ftruncate64(int fd, off64_t length) { return set_length(fd, length); }

/* Room is only promised, zeros are read: to the log it is a new length, when it is one. */
static int make_room(int fd, int mode, off_t offset, off_t size) {
  struct stat status;
  struct slot *slot = slot_of(fd, &status);
  uint64_t start = now();
  int how = slot == NULL ? NO_FAULT : fault_on(slot, 1, offset + size > status.st_size, 0);
  if (how > 0) {
    errno = how;
    return -1;
  }
  int outcome = (int)syscall(SYS_fallocate, fd, mode, offset, size);
  if (outcome == 0 && slot != NULL && mode == 0 && offset + size > status.st_size) {
    record((struct header){ .kind = TRUNCATE, .file = slot->inode, .offset = offset + size, .start = start }, NULL, 0, 0);
  }
  return outcome;
}
int fallocate(int fd, int mode, off_t offset, off_t size) { return make_room(fd, mode, offset, size); }
int fallocate64(int fd, int mode, off64_t offset, off64_t size) { return make_room(fd, mode, offset, size); }
int posix_fallocate(int fd, off_t offset, off_t size) { return make_room(fd, 0, offset, size) == 0 ? 0 : errno; }
int posix_fallocate64(int fd, off64_t offset, off64_t size) { return make_room(fd, 0, offset, size) == 0 ? 0 : errno; }

/* ---- barriers ---- */

static int synchronise(int fd, long call) {
  struct stat status;
  struct slot *slot = slot_of(fd, &status);
  if (slot == NULL) return (int)syscall(call, fd);
  struct header header = { .kind = SYNC, .file = slot->inode, .start = now() };
  int how = fault_on(slot, 0, 0, 1);
  int outcome = how == NO_FAULT ? (int)syscall(call, fd) : 0;
  if (how == NO_FAULT && outcome == 0) header.flag = DURABLE;
  else if (how != HIDE) header.flag = FAILED;
  header.result = slot->is_directory;
  record(header, NULL, 0, 0);
  if (how > 0) errno = how;
  return how > 0 ? -1 : outcome;
}
int fsync(int fd) { return synchronise(fd, SYS_fsync); }
int fdatasync(int fd) { return synchronise(fd, SYS_fdatasync); }

/* ---- names ---- */

static int change_name(int at, const char *from, int to_at, const char *to, unsigned flags) {
  char old_name[PATH_MAX], new_name[PATH_MAX], both[2 * PATH_MAX + 1];
  uint64_t start = now();
  int below = is_named_below(at, from, old_name) && is_named_below(to_at, to, new_name);
  int outcome = (int)syscall(SYS_renameat2, at, from, to_at, to, flags);
  if (outcome == 0 && below) {
    int length = snprintf(both, sizeof both, "%s%c%s", old_name, 0, new_name);
    record_text((struct header){ .kind = RENAME, .start = start }, both, (size_t)length);
  }
  return outcome;
}
int rename(const char *from, const char *to) { return change_name(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int at, const char *from, int to_at, const char *to) { return change_name(at, from, to_at, to, 0); }
int renameat2(int at, const char *from, int to_at, const char *to, unsigned flags) { return change_name(at, from, to_at, to, flags); }

static int remove_name(int at, const char *path, int flags) {
  char name[PATH_MAX];
  uint64_t start = now();
  int below = (flags & AT_REMOVEDIR) == 0 && is_named_below(at, path, name);
  int outcome = (int)syscall(SYS_unlinkat, at, path, flags);
  if (outcome == 0 && below) record_text((struct header){ .kind = UNLINK, .start = start }, name, strlen(name));
  return outcome;
}
int unlink(const char *path) { return remove_name(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return remove_name(at, path, flags); }

/* ---- room ---- */

static int tell_room(const char *path, struct statfs *room) {
  char name[PATH_MAX];
  int outcome = (int)syscall(SYS_statfs, path, room);
  if (outcome == 0 && is_named_below(AT_FDCWD, path, name) && is_full()) room->f_bavail = room->f_bfree = 0;
  return outcome;
}
int statfs(const char *path, struct statfs *room) { return tell_room(path, room); }
/* The two layouts are one on 64-bit machines. */
int statfs64(const char *path, struct statfs64 *room) { return tell_room(path, (struct statfs *)room); }
