/* A device that is asked by CoAP and sends without end: each step takes a share of it, so that others have theirs. */
#include "shell/coap_link.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOD 120

static int open_device(char address[static 32])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    (void)snprintf(address, 32, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return fd;
}

static bool has_more(int fd)
{
    uint8_t b[16];
    return recv(fd, b, sizeof(b), MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void a_flood_is_taken_in_shares(void **state)
{
    (void)state;
    char address[32];
    uint8_t request[512], answer[12] = {0x60, 0x44}; /* 2.04 */
    struct sockaddr_in from;
    socklen_t from_n = sizeof(from);
    struct coap_link *l = NULL;
    err_t outcome = ERR_BUG;
    int fd = open_device(address);
    const struct primitive p = {.op = OP_NOTIFY, .path = text_of("/n"), .has_from = true, .from = text_of("/in"), .rqi = text_of("q1"),
                                .rvi = text_of("3"), .expires = USEC_NEVER, .media = MEDIA_JSON, .accept = MEDIA_JSON,
                                .content = text_bytes(text_of("{}"))};
    const struct coap_link_setup s = {.address = address, .in_digits = true, .crypto = crypto_openssl(), .request = &p};
    assert_int_equal(coap_link_new(&s, &l), ERR_OK);
    assert_false(coap_link_step(l, &outcome));
    ssize_t n = recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&from, &from_n);
    assert_true(n > 4);
    for (size_t i = 0; i < FLOOD; i++) { /* acknowledgements of messages that nobody sent */
        const uint8_t junk[] = {0x60, 0, (uint8_t)(request[2] + 1), (uint8_t)i};
        assert_int_equal(sendto(fd, junk, sizeof(junk), 0, (struct sockaddr *)&from, from_n), sizeof(junk));
    }
    assert_false(coap_link_step(l, &outcome));
    assert_true(has_more(coap_link_fd(l)));
    const size_t token = request[0] & 15U;
    assert_true(token <= 8);
    answer[0] = (uint8_t)(answer[0] | token);
    memcpy(answer + 2, request + 2, 2 + token); /* message and token */
    assert_int_equal(sendto(fd, answer, 4 + token, 0, (struct sockaddr *)&from, from_n), (ssize_t)(4 + token));
    bool over = false;
    for (size_t i = 0; i < FLOOD && !over; i++) {
        over = coap_link_step(l, &outcome);
    }
    assert_true(over); /* the answer behind it is found all the same */
    struct primitive_response r;
    assert_int_equal(coap_link_answer(l, &r), 0x44);
    coap_link_free(l);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_flood_is_taken_in_shares)};
    return cmocka_run_group_tests_name("shell.coap-link", tests, NULL, NULL);
}
