/*
 * An order is a line "<call> <nth> <how> <extent>":
 *   call    write   any write          growth  a write beyond the end of the file
 *           flush   fsync and fdatasync    direct  a write through a descriptor opened with O_DSYNC or O_SYNC
 *           sync    both
 *           room    a question for room (statfs)
 *   how     an error (ENOSPC, EIO); short: the front half is written, later ones fail with ENOSPC; hide: nothing is on the
 *           device, and the program is told that all is well. A device without room says so to statfs as well.
 *   extent  once: the nth only; on: the nth and all later ones, until the file of orders is gone
 */
#ifndef SHIM_ORDERS_H
#define SHIM_ORDERS_H
#include "shim-log.h"
#include <sys/stat.h>

enum { NO_FAULT = 0, SHORT = -1, HIDE = -2 };

static char orders[PATH_MAX];
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

static struct order {
  int armed, how, lasting;
  char call[16], text[64];
  long nth, count;
  ino_t inode;
  struct timespec changed;
} order;

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

/* Counts a call that the order is about. Under the lock. */
static int strike(ino_t file) {
  if (++order.count != order.nth && !(order.lasting && order.count > order.nth)) return NO_FAULT;
  struct header header = { .kind = FAULT, .file = file, .result = order.count, .start = now() };
  record_text(header, order.text, strlen(order.text));
  return order.how == SHORT && order.count > order.nth ? ENOSPC : order.how;
}

static int is_about(const char *call) { return order.armed && strcmp(order.call, call) == 0; }

/* What befalls this call: NO_FAULT, an error, SHORT or HIDE. */
static int fault_of(ino_t file, int is_write, int is_growth, int is_sync) {
  if (orders[0] == 0) return NO_FAULT;
  pthread_mutex_lock(&order_lock);
  read_order();
  int meant = (is_write && is_about("write")) || (is_growth && is_about("growth")) || (is_sync && is_about("sync")) ||
              (is_sync && !is_write && is_about("flush")) || (is_sync && is_write && is_about("direct"));
  int how = meant ? strike(file) : NO_FAULT;
  pthread_mutex_unlock(&order_lock);
  return how;
}

/* Whether a question for room is to be answered with none: ordered so, or because the last call that was counted found none. */
static int is_full(void) {
  if (orders[0] == 0) return 0;
  pthread_mutex_lock(&order_lock);
  read_order();
  int full;
  if (is_about("room")) full = strike(0) != NO_FAULT;
  else full = order.armed && (order.how == ENOSPC || order.how == SHORT) && (order.lasting ? order.count >= order.nth : order.count == order.nth);
  pthread_mutex_unlock(&order_lock);
  return full;
}

#endif
