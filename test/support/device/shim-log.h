/*
 * A record of the log, little endian:
 *   0      1      2       4         8         16         24        32        40        48
 *   | kind | flag | zero  | length  | file    | offset   | result  | start   | end     | payload (length bytes)
 * `file` is the inode; times are CLOCK_MONOTONIC in nanoseconds. A record is written before the program learns the outcome,
 * its `end` never falls: so what the program did because of a call stands after it.
 */
#ifndef SHIM_LOG_H
#define SHIM_LOG_H
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
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

static char log_path[PATH_MAX];
static int log_fd = -1;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

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

#endif
