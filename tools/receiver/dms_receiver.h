/* Receiver of DMS_State and DMS_Alert: checks AUTOSAR E2E profile 2 and the sender's life.
 *
 * C99, no allocation, no operating system: call dms_feed() with every received frame and
 * dms_alive() before you use the state. SPDX-License-Identifier: Apache-2.0 */
#ifndef DMS_RECEIVER_H
#define DMS_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

/* The setting base_id; DMS_Alert has it, DMS_State the next one. With 29-bit identifiers set bit 31
 * here and in what you pass to dms_feed(), as SocketCAN does. */
#ifndef DMS_BASE_ID
#define DMS_BASE_ID 0x400u /* or as the compiler is told: -DDMS_BASE_ID=0x500u */
#endif
#define DMS_TIMEOUT_MS 300u    /* three periods of DMS_State */
#define DMS_MAX_DELTA 3u       /* E2EMaxDeltaCounter of the contract: two frames may be lost */

typedef enum {
    DMS_OTHER,          /* not a message of ours */
    DMS_INITIAL,        /* first good one: use it */
    DMS_OK,             /* use it */
    DMS_SOME_LOST,      /* use it; up to two before it are lost */
    DMS_REPEATED,       /* the same again: do not use */
    DMS_WRONG_SEQUENCE, /* more lost than tolerated: do not use, the next is judged anew */
    DMS_CORRUPTED       /* do not use */
} dms_check_t;

typedef struct {
    uint8_t active_level;        /* 0 none, 1 advisory, 2 warning, 3 critical, 7 not available */
    uint8_t active_kind;         /* 0 none, 1 microsleep, 2 sleep, 3 unresponsive, 4 drowsy, ... */
    uint8_t drowsiness;          /* 1..9 as in Android's VHAL, 15 not available */
    uint8_t drowsiness_warning;  /* 1 no warning, 2 warning, 3 not available */
    uint8_t distraction_state;   /* 1 not distracted, 2 distracted, 3 not available */
    uint8_t distraction_warning; /* 1 no warning, 2 warning, 3 not available */
    uint8_t eyes;                /* 1 open, 2 closed, 3 not available */
    uint8_t openness_percent;    /* 0..100, 127 not available */
    uint8_t health;              /* 0 off, 1 ok, 2 degraded, 3 fault */
    uint8_t pause;               /* 0 not paused, 1..5 why, 7 not available */
    uint8_t camera_on;           /* 1: show the driver that the camera runs */
    uint8_t command_answer;      /* 0 none, 1 accepted, 2 bad E2E, 3 bad value */
    uint8_t command_counter;     /* E2E counter of the command that is answered */
    bool warnings_on;
    bool rage_on;
} dms_state_t;

typedef struct {
    uint8_t level;    /* as active_level */
    uint8_t kind;     /* as active_kind */
    uint8_t action;   /* 1 raised, 2 changed, 3 ended */
    uint8_t wording;  /* 0 none, 1 suggest a break, 2 calm down */
    uint8_t number;   /* runs through 0..255; a gap is a lost alert */
    uint16_t duration_ds; /* tenths of a second, 65535 not available */
} dms_alert_t;

typedef struct {
    bool seen[2];
    uint8_t counter[2];
    bool has_state;
    uint32_t state_ms;
    dms_state_t state;
    bool has_alert; /* set by a new alert; look after every dms_feed() and clear it: alerts may come
                     * back to back, and the next one overwrites this one */
    dms_alert_t alert;
} dms_receiver_t;

void dms_init(dms_receiver_t *r);

/* Take one frame received at now_ms (any free-running millisecond counter, may wrap). */
dms_check_t dms_feed(dms_receiver_t *r, uint32_t can_id, const uint8_t *data, uint8_t length,
                     uint32_t now_ms);

/* Whether r->state may be used: a good DMS_State came within three periods, and it is not "off". */
bool dms_alive(const dms_receiver_t *r, uint32_t now_ms);

/* CRC-8/AUTOSAR over bytes 1..length-1 and the data ID. */
uint8_t dms_crc(const uint8_t *data, uint8_t length, uint8_t data_id);

/* Fill counter and CRC of a DMS_Command; counter 0..15, one more for each new command. */
void dms_protect_command(uint8_t data[8], uint8_t counter);

#endif
