/*
 * The floor: what one SRTP packet costs at the least on this machine, in C. Each packet is encrypted in a context of its receiver and
 * sent by sendmmsg, 64 at a time, each to another port. A second process on another core receives them as voicebench does: it sweeps
 * its sockets by a timer and has the kernel note the times.
 *
 *   floor SECONDS BYTES PORTS SENDER_CORE RECEIVER_CORE [gcm|cm|none] [SEGMENTS] [RATE]
 *   floor wake SECONDS CORE
 *
 * Prints nanoseconds of processor time (user and system of the sending process) a packet, and packets a second. With SEGMENTS above 1,
 * so many packets for one receiver leave in one call (UDP_SEGMENT). With RATE it sends so many packets a second, 64 at even times,
 * and sleeps between them, as a server does that has little to do: its caches and its core are cold each time.
 * "wake" sleeps until each full millisecond and prints by how many microseconds it woke late (p50/p99/p99.9): no program on this core
 * can answer sooner, and where other virtual machines share the processor that is milliseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define MAX_PORTS 4096
#define HEADER 24
#define SLOT 2048
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static int sockets[MAX_PORTS];
static struct sockaddr_in addresses[MAX_PORTS];
static EVP_CIPHER_CTX *contexts[MAX_PORTS];
static unsigned char slots[BATCH][SLOT];
static SHA_CTX inner, outer;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("sched_setaffinity");
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void receive(int ports)
{
    static unsigned char buffers[BATCH][SLOT];
    static char controls[BATCH][64];
    static struct mmsghdr messages[BATCH];
    static struct iovec vectors[BATCH];
    for (;;) {
        for (int p = 0; p < ports; p++) {
            int count;
            do {
                for (int i = 0; i < BATCH; i++) {
                    vectors[i] = (struct iovec){buffers[i], SLOT};
                    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = controls[i], .msg_controllen = 64};
                }
                count = recvmmsg(sockets[p], messages, BATCH, MSG_DONTWAIT, NULL);
            } while (count == BATCH);
        }
        usleep(ports >= 100 ? 20000 : 1000);
    }
}

/* The GCM of RFC 7714 or the AES-CM and HMAC-SHA1 of RFC 3711, the hash from midstates; returns the length with the tag. */
static int protect(unsigned char *packet, int length, EVP_CIPHER_CTX *context, char suite, uint64_t index)
{
    int n;
    unsigned char iv[16] = {0};
    memcpy(iv + 4, &index, 8);
    if (suite == 'n')
        return length;
    EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv);
    if (suite == 'g') {
        EVP_EncryptUpdate(context, NULL, &n, packet, HEADER);
        EVP_EncryptUpdate(context, packet + HEADER, &n, packet + HEADER, length - HEADER);
        EVP_EncryptFinal_ex(context, packet + length, &n);
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, packet + length);
        return length + 16;
    }
    EVP_EncryptUpdate(context, packet + HEADER, &n, packet + HEADER, length - HEADER);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    unsigned char digest[20];
    SHA_CTX sha = inner;
    SHA1_Update(&sha, packet, (size_t)length);
    SHA1_Update(&sha, iv, 4);
    SHA1_Final(digest, &sha);
    sha = outer;
    SHA1_Update(&sha, digest, 20);
    SHA1_Final(digest, &sha);
#pragma GCC diagnostic pop
    memcpy(packet + length, digest, 10);
    return length + 10;
}

static int compare(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

static int wake(int duration, int core)
{
    int count = duration * 1000;
    long *late = calloc((size_t)count, sizeof *late);
    if (late == NULL || count < 1)
        fail("calloc");
    pin(core);
    prctl(PR_SET_TIMERSLACK, 1000UL);
    struct timespec due, now;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (int i = 0; i < count; i++) {
        due.tv_nsec += 1000000;
        if (due.tv_nsec >= 1000000000) {
            due.tv_nsec -= 1000000000;
            due.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        late[i] = (now.tv_sec - due.tv_sec) * 1000000 + (now.tv_nsec - due.tv_nsec) / 1000;
    }
    qsort(late, (size_t)count, sizeof *late, compare);
    printf("%ld/%ld/%ld\n", late[count / 2], late[(long)count * 99 / 100], late[(long)count * 999 / 1000]);
    free(late);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "wake") == 0)
        return wake(atoi(argv[2]), atoi(argv[3]));
    if (argc < 6) {
        fprintf(stderr, "usage: floor SECONDS BYTES PORTS SENDER_CORE RECEIVER_CORE [gcm|cm|none] [SEGMENTS] [RATE]\n       floor wake SECONDS CORE\n");
        return 2;
    }
    double duration = atof(argv[1]);
    int bytes = atoi(argv[2]), ports = atoi(argv[3]);
    char suite = argc > 6 ? argv[6][0] : 'g';
    int segments = argc > 7 ? atoi(argv[7]) : 1;
    double rate = argc > 8 ? atof(argv[8]) : 0;
    if (ports < 1 || ports > MAX_PORTS || bytes < 64 || bytes > 1500 || segments < 1 || segments > BATCH) {
        fprintf(stderr, "floor: 1 to %d ports, 64 to 1500 bytes, 1 to %d segments\n", MAX_PORTS, BATCH);
        return 2;
    }

    for (int p = 0; p < ports; p++) {
        int on = 1, buffer = 1 << 20;
        socklen_t size = sizeof addresses[p];
        addresses[p] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sockets[p] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (sockets[p] < 0 || bind(sockets[p], (struct sockaddr *)&addresses[p], size) != 0 || getsockname(sockets[p], (struct sockaddr *)&addresses[p], &size) != 0)
            fail("socket");
        setsockopt(sockets[p], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        setsockopt(sockets[p], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    }

    pid_t receiver = fork();
    if (receiver < 0)
        fail("fork");
    if (receiver == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(atoi(argv[5]));
        receive(ports);
    }

    pin(atoi(argv[4]));
    unsigned char key[16] = {1}, block[64];
    for (int p = 0; p < ports; p++) {
        key[1] = (unsigned char)p;
        contexts[p] = EVP_CIPHER_CTX_new();
        EVP_EncryptInit_ex(contexts[p], suite == 'c' ? EVP_aes_128_ctr() : EVP_aes_128_gcm(), NULL, key, NULL);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    SHA1_Init(&inner);
    SHA1_Init(&outer);
    SHA1_Update(&inner, memset(block, 0x36, 64), 64);
    SHA1_Update(&outer, memset(block, 0x5C, 64), 64);
#pragma GCC diagnostic pop

    int out = socket(AF_INET, SOCK_DGRAM, 0), buffer = 4 << 20, groups = BATCH / segments;
    if (out < 0)
        fail("socket");
    setsockopt(out, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    char controls[BATCH][CMSG_SPACE(sizeof(uint16_t))];
    uint64_t packets = 0;
    int port = 0, tag = suite == 'c' ? 10 : suite == 'g' ? 16 : 0;
    double begun = seconds(CLOCK_MONOTONIC), used = cpu();
    while (seconds(CLOCK_MONOTONIC) - begun < duration) {
        for (int g = 0; g < groups; g++) {
            for (int s = 0; s < segments; s++) {
                int slot = g * segments + s;
                int length = protect(slots[slot], bytes - tag, contexts[port], suite, ++packets);
                vectors[slot] = (struct iovec){slots[slot], (size_t)length};
            }
            messages[g].msg_hdr = (struct msghdr){.msg_name = &addresses[port], .msg_namelen = sizeof addresses[port], .msg_iov = &vectors[g * segments], .msg_iovlen = (size_t)segments};
            if (segments > 1) {
                messages[g].msg_hdr.msg_control = controls[g];
                messages[g].msg_hdr.msg_controllen = sizeof controls[g];
                struct cmsghdr *c = CMSG_FIRSTHDR(&messages[g].msg_hdr);
                *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT};
                *(uint16_t *)CMSG_DATA(c) = (uint16_t)bytes;
            }
            port = (port + 1) % ports;
        }
        for (int sent = 0; sent < groups;) {
            int n = sendmmsg(out, messages + sent, (unsigned)(groups - sent), 0);
            if (n < 0 && errno != EINTR)
                fail("sendmmsg");
            sent += n > 0 ? n : 0;
        }
        if (rate > 0) {
            double due = begun + (double)packets / rate;
            struct timespec until = {(time_t)due, (long)((due - (double)(time_t)due) * 1e9)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
    }
    used = cpu() - used;
    printf("%.0f ns a packet, %.0f packets/s\n", used * 1e9 / (double)packets, (double)packets / (seconds(CLOCK_MONOTONIC) - begun));
    kill(receiver, SIGKILL);
    waitpid(receiver, NULL, 0);
    return 0;
}
