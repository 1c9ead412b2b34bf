/* A server of canned replies: framed Thrift calls come in, the reply of each one's method goes out with its sequence id.

   usage: sink FOLDER

   FOLDER holds a file per method, named after it, with the bytes of the result struct. A method without a file is
   answered with a TApplicationException. Listens on a free port of the loopback, prints its number, serves each
   connection from a thread of its own, and ends when its standard input does, so that it cannot outlive its client. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LENGTH = 4, VERSION = 4, SEQID = 4, MOST_METHODS = 64, MOST_NAME = 63 };
static const uint32_t REPLY = 0x80010002, EXCEPTION = 0x80010003;
/* TApplicationException: type (field 2) UNKNOWN_METHOD, no message. */
static const char UNKNOWN[] = "\x08\0\2\0\0\0\1";

typedef struct {
    char name[MOST_NAME + 1];
    uint32_t name_size;
    char *frame;                /* the whole reply, its sequence id left open */
    size_t size;
} Method;

typedef struct {
    char *data;
    size_t size, used;
} Buffer;

static Method methods[MOST_METHODS];
static size_t method_count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t load32(const char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return ntohl(value);
}

static void store32(char *to, uint32_t value)
{
    value = htonl(value);
    memcpy(to, &value, sizeof value);
}

static void reserve(Buffer *buffer, size_t size)
{
    if (size <= buffer->size)
        return;
    buffer->size = size * 2;
    buffer->data = realloc(buffer->data, buffer->size);
    if (!buffer->data)
        fail("realloc");
}

/* Writes a message whose sequence id is 0; gives its size. */
static size_t write_message(char *to, uint32_t head, const char *name, uint32_t name_size, const char *body,
                            size_t body_size)
{
    size_t payload = VERSION + LENGTH + name_size + SEQID + body_size;
    store32(to, (uint32_t)payload);
    store32(to + LENGTH, head);
    store32(to + LENGTH + VERSION, name_size);
    memcpy(to + LENGTH + VERSION + LENGTH, name, name_size);
    store32(to + LENGTH + VERSION + LENGTH + name_size, 0);
    memcpy(to + LENGTH + VERSION + LENGTH + name_size + SEQID, body, body_size);
    return LENGTH + payload;
}

static size_t message_size(uint32_t name_size, size_t body_size)
{
    return LENGTH + VERSION + LENGTH + name_size + SEQID + body_size;
}

static void add_method(const char *folder, const char *name)
{
    char path[4096];
    Method *method = &methods[method_count++];
    if (method_count > MOST_METHODS || strlen(name) > MOST_NAME) {
        fprintf(stderr, "sink: too many methods, or too long a name: %s\n", name);
        exit(1);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        fail(path);
    long size = ftell(file);
    char *body = malloc((size_t)size + 1);
    rewind(file);
    if (!body || fread(body, 1, (size_t)size, file) != (size_t)size)
        fail(path);
    fclose(file);
    strcpy(method->name, name);
    method->name_size = (uint32_t)strlen(name);
    method->frame = malloc(message_size(method->name_size, (size_t)size));
    if (!method->frame)
        fail("malloc");
    method->size = write_message(method->frame, REPLY, name, method->name_size, body, (size_t)size);
    free(body);
}

static void add_methods(const char *folder)
{
    DIR *directory = opendir(folder);
    if (!directory)
        fail(folder);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            add_method(folder, entry->d_name);
    closedir(directory);
}

static const Method *find_method(const char *name, uint32_t size)
{
    for (size_t i = 0; i < method_count; i++)
        if (methods[i].name_size == size && !memcmp(methods[i].name, name, size))
            return &methods[i];
    return NULL;
}

/* Appends the reply to one whole request; gives 0 if that is no Thrift call. */
static int answer(const char *payload, size_t size, Buffer *out)
{
    uint32_t name_size = size >= VERSION + LENGTH ? load32(payload + VERSION) : 0;
    if (size < VERSION + LENGTH + SEQID || name_size > size - (VERSION + LENGTH + SEQID))
        return 0;
    const char *name = payload + VERSION + LENGTH;
    const Method *method = find_method(name, name_size);
    size_t reply = method ? method->size : message_size(name_size, sizeof UNKNOWN);
    reserve(out, out->used + reply);
    char *to = out->data + out->used;
    if (method)
        memcpy(to, method->frame, reply);
    else
        write_message(to, EXCEPTION, name, name_size, UNKNOWN, sizeof UNKNOWN);
    memcpy(to + LENGTH + VERSION + LENGTH + name_size, name + name_size, SEQID);
    out->used += reply;
    return 1;
}

/* Answers all requests that have arrived whole and keeps the rest; gives 0 at a malformed one. */
static int answer_all(Buffer *in, Buffer *out)
{
    size_t start = 0;
    while (in->used - start >= LENGTH) {
        size_t size = load32(in->data + start);
        if (in->used - start - LENGTH < size) {
            reserve(in, LENGTH + size);
            break;
        }
        if (!answer(in->data + start + LENGTH, size, out))
            return 0;
        start += LENGTH + size;
    }
    in->used -= start;
    memmove(in->data, in->data + start, in->used);
    return 1;
}

static int send_all(int fd, Buffer *out)
{
    size_t sent = 0;
    while (sent < out->used) {
        ssize_t size = send(fd, out->data + sent, out->used - sent, MSG_NOSIGNAL);
        if (size <= 0)
            return 0;
        sent += (size_t)size;
    }
    out->used = 0;
    return 1;
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    Buffer in = {0}, out = {0};
    reserve(&in, 1 << 19);
    reserve(&out, 1 << 16);
    for (;;) {
        ssize_t size = recv(fd, in.data + in.used, in.size - in.used, 0);
        if (size <= 0)
            break;
        in.used += (size_t)size;
        if (!answer_all(&in, &out) || !send_all(fd, &out))
            break;
    }
    close(fd);
    free(in.data);
    free(out.data);
    return NULL;
}

static void *accept_all(void *argument)
{
    int listener = (int)(intptr_t)argument, on = 1;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;
        if (fd < 0)
            fail("accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
            fail("pthread_create");
        pthread_detach(thread);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    if (count != 2) {
        fprintf(stderr, "usage: sink FOLDER\n");
        return 2;
    }
    add_methods(arguments[1]);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64)
            || getsockname(listener, (struct sockaddr *)&address, &size))
        fail("listen");
    if (pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener))
        fail("pthread_create");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
