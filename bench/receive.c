/* A receiver of HTTP/1.1 posts that responds with 204 to each at once, on kept-alive connections.
 *
 *   receive
 *
 * Writes its port on a line of standard output, and after each line on standard input how many
 * posts it has received so far. Ends with its input. Posts must have a Content-Length.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4096, BUFFER_SIZE = 1 << 17, EVENTS = 64 };

struct connection { size_t have; char bytes[BUFFER_SIZE + 1]; };

static struct connection *connections[MAX_CONNECTIONS];
static unsigned long long received;
static const char RESPONSE[] = "HTTP/1.1 204 No Content\r\n\r\n";

static void die(const char *what) {
    fprintf(stderr, "receive: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void watch(int poll, int fd) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted)) die("epoll");
}

static int listening(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1024)) die("listen");
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_connection(int poll, int listener) {
    int yes = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= MAX_CONNECTIONS || !(connections[fd] = malloc(sizeof **connections))) {
        close(fd);
        return;
    }
    connections[fd]->have = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(poll, fd);
}

/* The length of the first complete request in the buffer, 0 when there is none. */
static size_t complete_request(struct connection *c) {
    c->bytes[c->have] = 0;
    char *end = strstr(c->bytes, "\r\n\r\n");
    char *length = end ? strcasestr(c->bytes, "\r\ncontent-length:") : NULL;
    if (!end || !length || length > end) return 0;
    size_t size = (size_t)(end + 4 - c->bytes) + strtoul(length + 17, NULL, 10);
    return size <= c->have ? size : 0;
}

static int respond(int fd, struct connection *c) {
    ssize_t n = recv(fd, c->bytes + c->have, BUFFER_SIZE - c->have, 0);
    if (n <= 0) return -1;
    c->have += (size_t)n;
    for (size_t size; (size = complete_request(c)); received++) {
        memmove(c->bytes, c->bytes + size, c->have -= size);
        if (send(fd, RESPONSE, sizeof RESPONSE - 1, MSG_NOSIGNAL) < 0) return -1;
    }
    return c->have < BUFFER_SIZE ? 0 : -1;
}

/* Write the count for a line on standard input; exit at its end. */
static void report_count(void) {
    char line[64];
    if (read(STDIN_FILENO, line, sizeof line) <= 0) exit(0);
    printf("%llu\n", received);
    fflush(stdout);
}

int main(void) {
    struct epoll_event found[EVENTS];
    int poll = epoll_create1(0), listener = listening();
    watch(poll, listener);
    watch(poll, STDIN_FILENO);
    for (;;) {
        int count = epoll_wait(poll, found, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = found[i].data.fd;
            if (fd == listener) accept_connection(poll, listener);
            else if (fd == STDIN_FILENO) report_count();
            else if (respond(fd, connections[fd])) {
                free(connections[fd]);
                connections[fd] = NULL;
                close(fd);
            }
        }
    }
}
