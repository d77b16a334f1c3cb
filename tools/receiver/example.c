/* Reads "milliseconds identifier data" lines (hex) and says what each frame means:
 *   cc -std=c99 -o example example.c dms_receiver.c && ./example < frames.txt
 * A line with the time alone asks whether the sender is alive. */
#include <stdio.h>

#include "dms_receiver.h"

static const char *const CHECKS[] = {"other",    "initial",        "ok",       "some_lost",
                                     "repeated", "wrong_sequence", "corrupted"};

int main(void) {
    dms_receiver_t receiver;
    char line[256];
    dms_init(&receiver);
    while (fgets(line, sizeof line, stdin)) {
        unsigned long now = 0, id = 0;
        char text[200] = "";
        int parts = sscanf(line, "%lu %lx %199s", &now, &id, text);
        if (parts < 1) {
            continue;
        }
        const char *check = "-";
        if (parts > 1) {
            uint8_t data[64];
            uint8_t length = 0;
            unsigned byte;
            while (length < 64 && sscanf(text + 2 * length, "%2x", &byte) == 1) {
                data[length++] = (uint8_t)byte;
            }
            check = CHECKS[dms_feed(&receiver, (uint32_t)id, data, length, (uint32_t)now)];
        }
        printf("%s %s", check, dms_alive(&receiver, (uint32_t)now) ? "alive" : "dead");
        if (dms_alive(&receiver, (uint32_t)now)) {
            printf(" level=%u kind=%u drowsiness=%u health=%u", receiver.state.active_level,
                   receiver.state.active_kind, receiver.state.drowsiness, receiver.state.health);
        }
        if (receiver.has_alert) {
            printf(" alert=%u/%u/%u", receiver.alert.kind, receiver.alert.level,
                   receiver.alert.action);
            receiver.has_alert = false;
        }
        printf("\n");
    }
    return 0;
}
