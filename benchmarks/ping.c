/* The limit for sequential calls: one canned request at a time, each sent when the reply to the last one has come.

   usage: ping PORT FILE SECONDS

   FILE holds the request, a whole frame. Prints the round trips per second against 127.0.0.1:PORT. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static char request[1 << 20], reply[1 << 20];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path);
    size_t size = fread(request, 1, sizeof request, file);
    if (!size || !feof(file))
        fail("the request is empty or larger than 1 MiB");
    fclose(file);
    return size;
}

static int open_connection(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void round_trip(int fd, size_t size)
{
    size_t got = 0, due = 4;
    if (send(fd, request, size, 0) != (ssize_t)size)
        fail("send");
    while (got < due) {
        ssize_t more = recv(fd, reply + got, sizeof reply - got, 0);
        uint32_t length;
        if (more <= 0)
            fail("recv");
        got += (size_t)more;
        if (got < 4)
            continue;
        memcpy(&length, reply, sizeof length);
        due = 4 + (size_t)ntohl(length);
        if (due > sizeof reply) {
            fprintf(stderr, "ping: a reply of more than 1 MiB\n");
            exit(1);
        }
    }
}

int main(int count, char **arguments)
{
    if (count != 4) {
        fprintf(stderr, "usage: ping PORT FILE SECONDS\n");
        return 2;
    }
    size_t size = read_request(arguments[2]);
    int fd = open_connection(arguments[1]);
    long trips = 0;
    double start = seconds(), end = start + atof(arguments[3]), now;
    do {
        round_trip(fd, size);
        trips++;
        now = seconds();
    } while (now < end);
    printf("%.1f\n", (double)trips / (now - start));
    return 0;
}
