/* See dms_receiver.h. SPDX-License-Identifier: Apache-2.0 */
#include "dms_receiver.h"

#include <string.h>

enum { ALERT, STATE, MESSAGES };

/* E2EDataIdList of dms.dbc */
static const uint8_t DATA_IDS[MESSAGES][16] = {
    {0x74, 0xDE, 0x90, 0xDC, 0xED, 0xC8, 0x78, 0x83,
     0xDB, 0x97, 0x31, 0x30, 0xCE, 0x84, 0x7A, 0xA2},
    {0x7A, 0x45, 0xA9, 0x88, 0xAB, 0x5A, 0x25, 0x62,
     0x03, 0x60, 0x7C, 0x47, 0xA5, 0xD0, 0x76, 0xB1}};
static const uint8_t COMMAND_IDS[16] = {
    0x43, 0x4B, 0xB0, 0xE9, 0xCE, 0xDA, 0xE4, 0x30,
     0xA7, 0x3C, 0xAB, 0x26, 0xDF, 0x3A, 0xA5, 0xBC};

void dms_init(dms_receiver_t *r) { memset(r, 0, sizeof *r); }

uint8_t dms_crc(const uint8_t *data, uint8_t length, uint8_t data_id) {
    uint8_t crc = 0xFF;
    for (uint8_t i = 1; i <= length; i++) {
        crc ^= i < length ? data[i] : data_id;
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint8_t)(crc & 0x80 ? (crc << 1) ^ 0x2F : crc << 1);
        }
    }
    return crc ^ 0xFF;
}

void dms_protect_command(uint8_t data[8], uint8_t counter) {
    data[1] = (uint8_t)((data[1] & 0xF0) | (counter & 0x0F));
    data[0] = dms_crc(data, 8, COMMAND_IDS[counter & 0x0F]);
}

static dms_check_t check(dms_receiver_t *r, int message, const uint8_t *data, uint8_t length) {
    if (length != 8 || dms_crc(data, 8, DATA_IDS[message][data[1] & 0x0F]) != data[0]) {
        return DMS_CORRUPTED;
    }
    uint8_t counter = data[1] & 0x0F;
    uint8_t delta = (uint8_t)((counter - r->counter[message]) & 0x0F);
    bool seen = r->seen[message];
    r->seen[message] = true;
    r->counter[message] = counter;
    if (!seen) {
        return DMS_INITIAL;
    }
    if (delta == 0) {
        return DMS_REPEATED;
    }
    if (delta > DMS_MAX_DELTA) {
        return DMS_WRONG_SEQUENCE;
    }
    return delta == 1 ? DMS_OK : DMS_SOME_LOST;
}

static void read_state(dms_state_t *s, const uint8_t *d) {
    s->active_level = (d[1] >> 4) & 0x07;
    s->warnings_on = (d[1] >> 7) & 0x01;
    s->active_kind = d[2] & 0x0F;
    s->drowsiness = d[2] >> 4;
    s->drowsiness_warning = d[3] & 0x03;
    s->distraction_state = (d[3] >> 2) & 0x03;
    s->distraction_warning = (d[3] >> 4) & 0x03;
    s->eyes = d[3] >> 6;
    s->command_counter = d[4] >> 4;
    s->openness_percent = d[5] & 0x7F;
    s->rage_on = d[5] >> 7;
    s->command_answer = d[6] >> 6;
    s->health = (d[7] >> 2) & 0x03;
    s->pause = (d[7] >> 4) & 0x07;
    s->camera_on = (d[7] >> 7) & 0x01;
}

static void read_alert(dms_alert_t *a, const uint8_t *d) {
    a->level = (d[1] >> 4) & 0x07;
    a->kind = d[2] & 0x0F;
    a->action = (d[2] >> 4) & 0x03;
    a->wording = d[2] >> 6;
    a->number = d[3];
    a->duration_ds = (uint16_t)(d[4] | d[5] << 8);
}

dms_check_t dms_feed(dms_receiver_t *r, uint32_t can_id, const uint8_t *data, uint8_t length,
                     uint32_t now_ms) {
    if (can_id != DMS_BASE_ID && can_id != DMS_BASE_ID + 1) {
        return DMS_OTHER;
    }
    int message = can_id == DMS_BASE_ID ? ALERT : STATE;
    if (r->has_state && now_ms - r->state_ms > DMS_TIMEOUT_MS) {
        r->has_state = false;
        r->seen[ALERT] = false; /* the sender may have started anew: its next alert counts */
    }
    dms_check_t result = check(r, message, data, length);
    if (result == DMS_WRONG_SEQUENCE && message == STATE && !r->has_state) {
        result = DMS_INITIAL; /* after a silence any counter will do, but not the same again */
    }
    if (result != DMS_INITIAL && result != DMS_OK && result != DMS_SOME_LOST) {
        return result;
    }
    if (message == ALERT) {
        read_alert(&r->alert, data);
        r->has_alert = true;
    } else {
        read_state(&r->state, data);
        r->has_state = true;
        r->state_ms = now_ms;
    }
    return result;
}

bool dms_alive(const dms_receiver_t *r, uint32_t now_ms) {
    return r->has_state && now_ms - r->state_ms <= DMS_TIMEOUT_MS && r->state.health != 0;
}
