/* The version of the program, in one place. It is part of a sweep's identity: a journal is only finished by the version that began it. */
#ifndef SIM_BASE_VERSION_H
#define SIM_BASE_VERSION_H

#define HEADROOM_VERSION "0.1.0"

#endif
