/* roles.h -- what a guest process of this program can do: the one list. */
#ifndef CLAB_ROLES_H
#define CLAB_ROLES_H

#include "guest/guest.h"

extern const clab_guest_role clab_roles[];

#endif
