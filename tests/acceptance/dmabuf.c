/*
 * A kernel without dma-buf heaps -> one that seems to have them: an LD_PRELOAD library for tests.
 *
 * libcamera's virtual camera and picamera2 take the memory of their frames from a heap under /dev/dma_heap. Here the
 * heap is an empty event descriptor, and a buffer of it an anonymous file, which is mapped like one.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const HEAPS[] = {"/dev/dma_heap/linux,cma", "/dev/dma_heap/system"};

struct allocation { /* of linux/dma-heap.h, which older headers lack */
    __u64 len;
    __u32 fd;
    __u32 fd_flags;
    __u64 heap_flags;
};

#define ALLOCATE _IOWR('H', 0x0, struct allocation)
#define SYNCHRONISE _IOW('b', 0, __u64)
#define NAME _IOW('b', 1, const char *)

static int is_heap(const char *path)
{
    for (size_t i = 0; path && i < sizeof HEAPS / sizeof *HEAPS; i++)
        if (strcmp(path, HEAPS[i]) == 0)
            return 1;
    return 0;
}

static int open_by(const char *symbol, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, symbol);
    return is_heap(path) ? eventfd(0, EFD_CLOEXEC) : real(path, flags, mode);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        return open_by(#name, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (request == SYNCHRONISE || request == NAME)
        return 0; /* an anonymous file has no caches to be kept in step, and nobody asks for its name */
    if (request == ALLOCATE) {
        struct allocation *wanted = argument;
        int file = memfd_create("dma-buf", MFD_CLOEXEC);
        if (file < 0 || ftruncate(file, (off_t)wanted->len) < 0)
            return -1;
        wanted->fd = (__u32)file;
        return 0;
    }
    int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    return real(descriptor, request, argument);
}
