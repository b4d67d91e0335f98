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
 * An order is a line "<call> <nth> <how> <extent>":
 *   call    write   any write          growth  a write beyond the end of the file
 *           sync    fsync, fdatasync, and a write through a descriptor opened with O_DSYNC or O_SYNC
 *   how     an error (ENOSPC, EIO); short: the front half is written, later ones fail with ENOSPC; hide: nothing is on the
 *           device, and the program is told that all is well. A device without room says so to statfs as well.
 *   extent  once: the nth only; on: the nth and all later ones, until the file of orders is gone
 *
 * A record of the log, little endian:
 *   0      1      2       4         8         16         24        32        40        48
 *   | kind | flag | zero  | length  | file    | offset   | result  | start   | end     | payload (length bytes)
 * `file` is the inode; times are CLOCK_MONOTONIC in nanoseconds. A record is written before the program learns the outcome,
 * its `end` never falls: so what the program did because of a call stands after it.
 *
 * Not seen: bytes that change through a shared mapping, and copies made inside the kernel (copy_file_range, sendfile).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { OPEN = 1, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, MARK, FAULT, DIRECTORY };
/* Flags. Of OPEN: the file is new. Of WRITE and SYNC: on the device when it returned; it failed, and what the device holds is
 * unknown. Neither: in the cache only. */
enum flag { CREATED = 1, DURABLE = 2, FAILED = 4 };

struct header {
  uint8_t kind, flag;
  uint16_t zero;
  uint32_t length;
  uint64_t file;
  int64_t offset, result;
  uint64_t start, end;
};

struct slot {
  int used, is_mark, is_synchronous, is_counted, is_directory;
  dev_t device;
  ino_t inode;
};

enum { SLOTS = 65536, SECTOR = 512, PARTS_MAX = 1024 };
enum { NO_FAULT = 0, SHORT = -1, HIDE = -2 };

static struct slot slots[SLOTS];
static char directory[PATH_MAX], marks[PATH_MAX], orders[PATH_MAX], only[NAME_MAX + 1], log_path[PATH_MAX];
static size_t directory_length;
static int log_fd = -1;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER, order_lock = PTHREAD_MUTEX_INITIALIZER;

static struct order {
  int armed, how, lasting;
  char call[16], text[64];
  long nth, count;
  ino_t inode;
  struct timespec changed;
} order;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* A log with holes would acquit the guilty: better no run at all. */
static void give_up(const char *what) {
  dprintf(2, "device shim: %s: %s\n", what, strerror(errno));
  abort();
}

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

static void append(const void *bytes, size_t size) {
  const char *from = bytes;
  while (size > 0) {
    long written = syscall(SYS_write, log_fd, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) give_up("the log cannot be written");
    from += written;
    size -= (size_t)written;
  }
}

static void record(struct header header, const struct iovec *parts, int count, size_t length) {
  int saved = errno;
  header.length = (uint32_t)length;
  pthread_mutex_lock(&log_lock);
  if (log_fd < 0) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s.%d", log_path, (int)getpid());
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) give_up("the log cannot be opened");
  }
  header.end = now();
  append(&header, sizeof header);
  for (int part = 0; part < count && length > 0; part++) {
    size_t size = parts[part].iov_len < length ? parts[part].iov_len : length;
    append(parts[part].iov_base, size);
    length -= size;
  }
  pthread_mutex_unlock(&log_lock);
  errno = saved;
}

static void record_text(struct header header, const char *text, size_t length) {
  struct iovec part = { (void *)text, length };
  record(header, &part, 1, length);
}

/* ---- orders ---- */

static int how_of(const char *word) {
  if (strcmp(word, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(word, "EIO") == 0) return EIO;
  if (strcmp(word, "short") == 0) return SHORT;
  if (strcmp(word, "hide") == 0) return HIDE;
  errno = EINVAL;
  give_up(word);
  return 0;
}

static void read_order(void) {
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, orders, &status, 0) != 0) {
    order.armed = 0;
    return;
  }
  if (order.armed && order.inode == status.st_ino && memcmp(&order.changed, &status.st_mtim, sizeof order.changed) == 0) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, orders, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return;
  char how[16], extent[16];
  long size = syscall(SYS_read, fd, order.text, sizeof order.text - 1);
  syscall(SYS_close, fd);
  order.text[size < 0 ? 0 : size] = 0;
  if (sscanf(order.text, "%15s %ld %15s %15s", order.call, &order.nth, how, extent) != 4) {
    errno = EINVAL;
    give_up("an order cannot be read");
  }
  order.how = how_of(how);
  order.lasting = strcmp(extent, "on") == 0;
  order.inode = status.st_ino;
  order.changed = status.st_mtim;
  order.count = 0;
  order.armed = 1;
}

/* What befalls this call: NO_FAULT, an error, SHORT or HIDE. */
static int fault_of(const struct slot *slot, int is_write, int is_growth, int is_sync) {
  if (orders[0] == 0 || !slot->is_counted) return NO_FAULT;
  int how = NO_FAULT;
  pthread_mutex_lock(&order_lock);
  read_order();
  if (order.armed) {
    int meant = (is_write && strcmp(order.call, "write") == 0) || (is_growth && strcmp(order.call, "growth") == 0) ||
                (is_sync && strcmp(order.call, "sync") == 0);
    if (meant && (++order.count == order.nth || (order.lasting && order.count > order.nth))) {
      how = order.how == SHORT && order.count > order.nth ? ENOSPC : order.how;
      struct header header = { .kind = FAULT, .file = slot->inode, .result = order.count, .start = now() };
      record_text(header, order.text, strlen(order.text));
    }
  }
  pthread_mutex_unlock(&order_lock);
  return how;
}

/* ---- descriptors ---- */

static int ends_with(const char *text, const char *ending) {
  size_t length = strlen(text), size = strlen(ending);
  return length >= size && strcmp(text + length - size, ending) == 0;
}

static int is_below(const char *path) {
  return directory_length > 0 && strncmp(path, directory, directory_length) == 0 && (path[directory_length] == '/' || path[directory_length] == 0);
}

/* The path within the directory, "" for itself. */
static const char *within(const char *path) {
  return path[directory_length] == '/' ? path + directory_length + 1 : path + directory_length;
}

/* Its slot, when the descriptor is on the device. A descriptor that was closed unseen and came back as another is none. */
static struct slot *slot_of(int fd, struct stat *status) {
  if (fd < 0 || fd >= SLOTS || !slots[fd].used) return NULL;
  int saved = errno;
  int gone = syscall(SYS_fstat, fd, status) != 0 || status->st_ino != slots[fd].inode || status->st_dev != slots[fd].device;
  errno = saved;
  if (gone) slots[fd].used = 0;
  return gone ? NULL : &slots[fd];
}

static void opened(int fd, int flags, int is_new, uint64_t start) {
  if (fd < 0 || fd >= SLOTS || directory_length == 0) return;
  int saved = errno;
  char link[32], path[PATH_MAX];
  struct stat status;
  slots[fd].used = 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length > 0 && syscall(SYS_fstat, fd, &status) == 0) {
    path[length] = 0;
    int is_mark = marks[0] != 0 && strcmp(path, marks) == 0;
    if (is_mark || (is_below(path) && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))) {
      slots[fd] = (struct slot){ .is_mark = is_mark, .is_synchronous = (flags & O_DSYNC) != 0, .is_counted = ends_with(path, only),
                                 .is_directory = S_ISDIR(status.st_mode), .device = status.st_dev, .inode = status.st_ino };
      if (!is_mark) {
        int kind = S_ISDIR(status.st_mode) ? DIRECTORY : OPEN;
        struct header header = { .kind = (uint8_t)kind, .flag = is_new ? CREATED : 0, .file = status.st_ino, .offset = status.st_size, .result = fd, .start = start };
        record_text(header, within(path), strlen(within(path)));
        if ((flags & O_TRUNC) != 0 && kind == OPEN && !is_new) {
          record((struct header){ .kind = TRUNCATE, .file = status.st_ino, .offset = 0, .start = start }, NULL, 0, 0);
        }
      }
      __sync_synchronize();
      slots[fd].used = 1;
    }
  }
  errno = saved;
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
  int how = slot->is_mark ? NO_FAULT : fault_of(slot, 1, place + (off_t)size > status.st_size, slot->is_synchronous);
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
  int how = fault_of(slot, length > status.st_size, length > status.st_size, 0);
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
  int how = slot == NULL ? NO_FAULT : fault_of(slot, 1, offset + size > status.st_size, 0);
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
  int how = fault_of(slot, 0, 0, 1);
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

/* Whether the path lies in the directory; then `name` is what it is called there. The last part need not exist. */
static int is_named_below(int at, const char *path, char *name) {
  if (directory_length == 0) return 0;
  int saved = errno;
  char folder[PATH_MAX] = "", found[PATH_MAX], link[32];
  long length = 0;
  if (path[0] != '/') {
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    length = syscall(SYS_readlinkat, AT_FDCWD, at == AT_FDCWD ? "/proc/self/cwd" : link, folder, sizeof folder / 2);
    if (length < 0) length = 0;
    folder[length++] = '/';
  }
  snprintf(folder + length, sizeof folder - (size_t)length, "%s", path);
  char *slash = strrchr(folder, '/');
  *slash = 0;
  int below = realpath(slash == folder ? "/" : folder, found) != NULL && is_below(found);
  if (below) {
    const char *parent = within(found);
    snprintf(name, PATH_MAX, "%.2000s%s%.255s", parent, parent[0] == 0 ? "" : "/", slash + 1);
  }
  errno = saved;
  return below;
}

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

/* Whether the last call that was counted found no room. */
static int is_full(void) {
  pthread_mutex_lock(&order_lock);
  read_order();
  int full = order.armed && (order.how == ENOSPC || order.how == SHORT) && (order.lasting ? order.count >= order.nth : order.count == order.nth);
  pthread_mutex_unlock(&order_lock);
  return full;
}

static int tell_room(const char *path, struct statfs *room) {
  char name[PATH_MAX];
  int outcome = (int)syscall(SYS_statfs, path, room);
  if (outcome == 0 && orders[0] != 0 && is_named_below(AT_FDCWD, path, name) && is_full()) room->f_bavail = room->f_bfree = 0;
  return outcome;
}
int statfs(const char *path, struct statfs *room) { return tell_room(path, room); }
/* The two layouts are one on 64-bit machines. */
int statfs64(const char *path, struct statfs64 *room) { return tell_room(path, (struct statfs *)room); }
