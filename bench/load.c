/* A closed-loop HTTP/1.1 load generator: each of N kept-alive connections sends a random request
 * of a file, waits for the complete response, and sends the next.
 *
 *   load HOST PORT CONNECTIONS SECONDS FILE
 *
 * FILE holds whole requests, each after a line with its length in bytes. Twenty @ in one are written
 * over with a number that no other request has, of this run or of another. One line of JSON on
 * standard output: requests, failures (a response that is not 2xx, or a lost connection), seconds,
 * bytes received, p50 and p99 in ms, and the generator's own CPU seconds. The first failure is
 * shown on standard error, and any failure makes the exit status 1. Responses must have a
 * Content-Length. Latency is from the first byte written to the last byte read.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 65536, REQUEST_LIMIT = 8192, DIGITS = 20 };

struct request { const char *bytes; size_t length; const char *stamp; };

struct connection {
    const struct request *request; /* under way, NULL when none */
    const char *bytes;             /* what is sent: the request's, or `stamped` */
    size_t written;
    size_t have;       /* bytes of the head kept in `head` */
    int64_t remaining; /* bytes of the body to come, -1 while in the head */
    int status;
    double began;
    char stamped[REQUEST_LIMIT];
    char head[HEAD_LIMIT + 1];
};

/* How long to wait for the first response beyond SECONDS, on a loaded machine. */
#define FIRST_RESPONSE_SECONDS 30
static struct request *requests;
static size_t request_count;
static uint32_t *latencies; /* µs */
static size_t completed, latency_capacity, failures;
static uint64_t received;

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "wrong input");
    exit(2);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t random_below(size_t n) {
    static uint64_t state = 88172645463325252ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % n);
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    size_t length, capacity = 0;
    while (fscanf(file, "%zu", &length) == 1) {
        char *bytes = malloc(length);
        if (fgetc(file) != '\n' || !bytes || fread(bytes, 1, length, file) != length) die(path);
        if (request_count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            requests = realloc(requests, capacity * sizeof *requests);
            if (!requests) die("memory");
        }
        const char *stamp = memmem(bytes, length, "@@@@@@@@@@@@@@@@@@@@", DIGITS);
        if (stamp && length > REQUEST_LIMIT) die("a request to stamp is too long");
        requests[request_count++] = (struct request){bytes, length, stamp};
    }
    if (!request_count) die(path);
    fclose(file);
}

static int open_connection(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1) die(host);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void fail(struct connection *c, const char *why) {
    if (!failures++) fprintf(stderr, "load: %s\n%.*s\n", why, (int)c->have, c->head);
}

static uint64_t unique(void) {
    static uint64_t last;
    struct timespec t;
    if (!last) {
        clock_gettime(CLOCK_REALTIME, &t);
        last = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    }
    return last++;
}

static void start(struct connection *c) {
    const struct request *r = c->request = &requests[random_below(request_count)];
    c->bytes = r->bytes;
    if (r->stamp) {
        char digits[DIGITS + 1];
        snprintf(digits, sizeof digits, "%020llu", (unsigned long long)unique());
        memcpy(c->stamped, r->bytes, r->length);
        memcpy(c->stamped + (r->stamp - r->bytes), digits, DIGITS);
        c->bytes = c->stamped;
    }
    c->written = c->have = 0;
    c->remaining = -1;
    c->began = now();
}

static int write_some(struct connection *c, int fd) {
    while (c->written < c->request->length) {
        const struct request *r = c->request;
        ssize_t n = send(fd, c->bytes + c->written, r->length - c->written, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
        c->written += (size_t)n;
    }
    return 0;
}

static void done(struct connection *c, double at) {
    if (c->status < 200 || c->status > 299) fail(c, "a response that is not 2xx:");
    if (completed == latency_capacity) {
        latency_capacity = latency_capacity ? latency_capacity * 2 : 1 << 16;
        latencies = realloc(latencies, latency_capacity * sizeof *latencies);
        if (!latencies) die("memory");
    }
    latencies[completed++] = (uint32_t)((at - c->began) * 1e6);
    c->request = NULL;
}

/* Read the head once it is whole: status, and how much of the body is still to come. */
static int parse_head(struct connection *c) {
    c->head[c->have] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) return c->have == HEAD_LIMIT ? -1 : 0;
    int64_t length = -1;
    for (char *line = strstr(c->head, "\r\n"); line < end; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, "content-length:", 15)) length = atoll(line + 17);
    if (sscanf(c->head, "HTTP/1.1 %d", &c->status) != 1 || length < 0) return -1;
    c->remaining = length - (int64_t)(c->have - (size_t)(end + 4 - c->head));
    return 0;
}

static int read_some(struct connection *c, int fd) {
    static char rest[1 << 16];
    for (;;) {
        int in_head = c->remaining < 0;
        char *into = in_head ? c->head + c->have : rest;
        ssize_t n = recv(fd, into, in_head ? HEAD_LIMIT - c->have : sizeof rest, 0);
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
        if (n == 0) return -1;
        received += (uint64_t)n;
        if (in_head) {
            c->have += (size_t)n;
            if (parse_head(c)) return -1;
        } else {
            c->remaining -= n;
        }
        if (c->remaining == 0) {
            done(c, now());
            return 0;
        }
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(double seconds) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    qsort(latencies, completed, sizeof *latencies, by_size);
    printf("{\"requests\": %zu, \"failures\": %zu, \"seconds\": %.3f, \"bytes\": %llu, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"cpu_seconds\": %.3f}\n",
           completed, failures, seconds, (unsigned long long)received,
           completed ? latencies[completed / 2] / 1e3 : 0,
           completed ? latencies[completed * 99 / 100] / 1e3 : 0, cpu);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: load HOST PORT CONNECTIONS SECONDS FILE\n");
        return 2;
    }
    int count = atoi(argv[3]), open = count;
    read_requests(argv[5]);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    struct pollfd *polled = calloc((size_t)count, sizeof *polled);
    for (int i = 0; i < count; i++) polled[i].fd = open_connection(argv[1], atoi(argv[2]));
    double began = now(), ends = began + atof(argv[4]), at = began;
    while (open > 0 && (at < ends || (!completed && at < ends + FIRST_RESPONSE_SECONDS))) {
        for (int i = 0; i < count; i++) {
            struct connection *c = &connections[i];
            if (polled[i].fd < 0) continue;
            int lost = polled[i].revents && c->request ? read_some(c, polled[i].fd) : 0;
            if (!lost && !c->request) start(c);
            if (!lost) lost = write_some(c, polled[i].fd);
            polled[i].events = POLLIN;
            if (c->written < c->request->length) polled[i].events |= POLLOUT;
            if (lost) {
                fail(c, "a connection was lost, after this head:");
                close(polled[i].fd);
                polled[i].fd = -1;
                open--;
            }
        }
        if (poll(polled, (nfds_t)count, 100) < 0 && errno != EINTR) die("poll");
        at = now();
    }
    report(at - began);
    return failures ? 1 : 0;
}
