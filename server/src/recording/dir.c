/* The folder of recordings: names are the server's own, files are opened beneath it and through no link, and what is
 * said to be written is on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "recording/inner.h"

int dir_error(int error_number)
{
	switch (error_number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return ERR_STORAGE_FULL;
	case ENOENT: return ERR_NOT_FOUND;
	case ENOMEM: return ERR_NO_MEMORY;
	default: return ERR_IO;
	}
}

static int open_folder(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int dir_open(struct dir *d, const char *path)
{
	*d = (struct dir){-1, -1, -1};
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return dir_error(errno);
	d->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->uploads = d->root < 0 ? -1 : open_folder(d->root, "uploads");
	d->media = d->root < 0 ? -1 : open_folder(d->root, "media");
	if (d->uploads < 0 || d->media < 0 || fsync(d->root) < 0) {
		int err = dir_error(errno);
		dir_close(d);
		return err;
	}
	return 0;
}

void dir_close(struct dir *d)
{
	int *fds[] = {&d->root, &d->uploads, &d->media};
	for (size_t i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

#define NAME_SIZE (ID_UUID_SIZE + 16)

int dir_file(int folder, const char *name, const char *ending, int flags)
{
	static _Thread_local bool is_old; /* a kernel without openat2 */
	char text[NAME_SIZE];
	struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	snprintf(text, sizeof text, "%s%s", name, ending);
	long fd = -1;
	if (!is_old)
		fd = syscall(SYS_openat2, folder, text, &how, sizeof how);
	is_old |= fd < 0 && (errno == ENOSYS || errno == EPERM);
	if (is_old) /* the names hold no slash, and the last segment must be no link */
		fd = openat(folder, text, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? dir_error(errno) : (int)fd;
}

int dir_remove(int folder, const char *name, const char *ending)
{
	char text[NAME_SIZE];
	snprintf(text, sizeof text, "%s%s", name, ending);
	return unlinkat(folder, text, 0) < 0 && errno != ENOENT ? dir_error(errno) : 0;
}

int dir_rename(const struct dir *d, const char *id)
{
	char text[NAME_SIZE];
	snprintf(text, sizeof text, "%s.part", id);
	if (renameat(d->uploads, text, d->media, id) < 0 &&
		(errno != ENOENT || faccessat(d->media, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0))
		return dir_error(errno);
	return fsync(d->media) < 0 || fsync(d->uploads) < 0 ? ERR_IO : 0;
}

int dir_has_room(const struct dir *d, int64_t min_free)
{
	struct statvfs fs;
	if (fstatvfs(d->root, &fs) < 0)
		return dir_error(errno);
	return (int64_t)(fs.f_bavail * fs.f_frsize) > min_free ? 0 : ERR_STORAGE_FULL;
}

int dir_write(int fd, const void *bytes, size_t n, int64_t at)
{
	const char *from = bytes;
	while (n) {
		ssize_t done = pwrite(fd, from, n, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? dir_error(errno) : ERR_IO;
		from += done;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int64_t dir_read(int fd, void *into, size_t n, int64_t at)
{
	size_t got = 0;
	while (got < n) {
		ssize_t more = pread(fd, (char *)into + got, n - got, at + (int64_t)got);
		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return ERR_IO;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	return (int64_t)got;
}
