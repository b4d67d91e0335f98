/* Which descriptors and paths belong to the device, and which file is the one for marks. */
#ifndef SHIM_FILES_H
#define SHIM_FILES_H
#include "shim-log.h"
#include <sys/stat.h>

struct slot {
  int used, is_mark, is_synchronous, is_counted, is_directory;
  dev_t device;
  ino_t inode;
};

enum { SLOTS = 65536 };

static struct slot slots[SLOTS];
static char directory[PATH_MAX], marks[PATH_MAX], only[NAME_MAX + 1];
static size_t directory_length;

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

#endif
