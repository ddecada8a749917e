/* Writes and syncs of files that fail, in whatever program this is preloaded into and in its children. Pipes, connections and
   the standard streams never do. The plan is a shared file, so that it is changed while they run (tools.py).

   Not libfiu: its calls to a function of its own, hash_create, end up in PostgreSQL's of that name, which dies of it at once;
   and it cannot tell a file from a connection. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct plan {
    _Atomic uint32_t percent;
    _Atomic int32_t error;
    _Atomic uint64_t seed, calls, failed;
};
static struct plan *plan;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TESTS_FAILING_IO");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) plan = mapped;
    close(file);
}

/* The chance of the nth call follows from the seed. Source: splitmix64, Steele, Lea and Flood, OOPSLA 2014. */
static uint64_t drawn(uint64_t n) {
    uint64_t z = plan->seed + n * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int fails(int fd) {
    struct stat about;
    if (!plan || !plan->percent || fd <= STDERR_FILENO || fstat(fd, &about) || !S_ISREG(about.st_mode)) return 0;
    if (drawn(atomic_fetch_add(&plan->calls, 1)) % 100 >= plan->percent) return 0;
    atomic_fetch_add(&plan->failed, 1);
    errno = plan->error;
    return 1;
}

#define WRAP(type, name, parameters, arguments)                    \
    type name parameters {                                         \
        static type(*real) parameters;                             \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        return fails(fd) ? -1 : real arguments;                    \
    }

WRAP(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))
WRAP(ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count))
WRAP(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
WRAP(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
WRAP(ssize_t, pwritev, (int fd, const struct iovec *from, int count, off_t at), (fd, from, count, at))
WRAP(ssize_t, pwritev64, (int fd, const struct iovec *from, int count, off64_t at), (fd, from, count, at))
WRAP(ssize_t, pwritev2, (int fd, const struct iovec *from, int count, off_t at, int how), (fd, from, count, at, how))
WRAP(ssize_t, pwritev64v2, (int fd, const struct iovec *from, int count, off64_t at, int how), (fd, from, count, at, how))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
