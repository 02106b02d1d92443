// SPDX-License-Identifier: GPL-2.0
/*
 * How the delays of netem are distributed: it tells of all else. Included by
 * sch_netem.c.
 */

#include "../core/checkpoint_netns.h"

static int ckpt_put_dist(struct ckpt_msgs *m, int type,
			 const struct disttable *d)
{
	struct nlattr a = {
		.nla_type = type,
		.nla_len = NLA_HDRLEN + (d ? d->size * sizeof(d->table[0]) : 0),
	};
	int err;

	BUILD_BUG_ON(NLA_HDRLEN + NETEM_DIST_MAX * sizeof(d->table[0]) >
		     U16_MAX);

	if (!d)
		return 0;
	err = ckpt_msgs_add(m, &a, sizeof(a));
	return err ?: ckpt_msgs_add(m, d->table, a.nla_len - NLA_HDRLEN);
}

/**
 * ckpt_netem_dists - the tables that delays and slots are taken from
 * @q: a queueing discipline of this kind
 * @m: where they are added, as the attributes that set them
 *
 * Context: rtnl_lock.
 * Return: 0 or a negative errno, not reported.
 */
int ckpt_netem_dists(struct Qdisc *q, struct ckpt_msgs *m)
{
	const struct netem_sched_data *netem = qdisc_priv(q);
	int err;

	ASSERT_RTNL();
	err = ckpt_put_dist(m, TCA_NETEM_DELAY_DIST, netem->delay_dist);
	return err ?: ckpt_put_dist(m, TCA_NETEM_SLOT_DIST, netem->slot_dist);
}
