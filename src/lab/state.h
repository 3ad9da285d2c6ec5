#pragma once
/*
 * The lab's directory and its lock.
 *
 * STATE_DIR exists from the first step of `up` to the last of `down`;
 * STATE_DIR/state.json only after the last step of `up`: without it, what is
 * there are remains. Nothing that `down` does depends on what the files say.
 * Functions that return int say on standard error why they failed.
 */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct lab_options;

#define STATE_DIR "/run/sevenfold/lab"

/* Takes the lock that up, down, kill and start share; the result is closed
 * with state_unlock(). -EBUSY, with a message, when another has it. */
int state_lock(void);
/* The lock's file goes too: nothing of the lab is left. */
void state_unlock(int fd);

bool state_exists(void);
bool state_complete(void);
int state_make(void);
int state_remove(void);
/* The scalar options of a lab that is up; silent -ENOENT when none is. */
int state_save(const struct lab_options *o);
int state_load(struct lab_options *o);

/* A directory (one that exists is fine), a file with n bytes, and a link to a
 * user's file or directory, so that its later edits are seen and no path has
 * to be quoted in anyone's language. */
int state_mkdir(const char *path);
int state_write(const char *path, const void *p, size_t n);
int state_link(const char *target, const char *path);

/* From here on SIGINT, SIGTERM and SIGHUP only end state_pause(), which then is
 * -EINTR; 0 after ms milliseconds. before: the mask until now; or NULL. */
void state_hold(sigset_t *before);
int state_pause(unsigned ms);
