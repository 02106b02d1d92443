// SPDX-License-Identifier: GPL-2.0
/*
 * Tun and tap devices, and the open files of /dev/net/tun that are their
 * queues. Included by tun.c.
 *
 * rtnetlink cannot make such a device: it comes into being with the first open
 * file that is attached to it. At restart there are devices before there are
 * open files: each queue is given to a file that nobody has, and what is behind
 * that file is put behind the one of the image when this is opened.
 */

#include <linux/anon_inodes.h>

#include "../../fs/checkpoint.h"
#include "../../net/core/checkpoint_netns.h"
#include "../../net/core/checkpoint_sock.h"

/* IFF_* of a device that are saved; 0x80000000 and 0x40000000 among them */
#define CKPT_TUN_FLAGS	(TUN_TYPE_MASK | TUN_FEATURES | IFF_PERSIST |	\
			 TUN_VNET_LE | TUN_VNET_BE)

#define CKPT_TUN_NAPI	(IFF_NAPI | IFF_NAPI_FRAGS)

/* As alloc_skb_with_frags() makes it in pieces that can be had */
#define CKPT_TUN_FRAGS_MAX \
	(MAX_SKB_FRAGS * (PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER))

/**
 * struct ckpt_tun_held - a file that keeps the queue of a device for another one
 * @list: in struct ckpt_nets
 * @net: the namespace of the device
 * @dev: index of the device
 * @queue: number of the queue
 * @file: the file, referenced
 */
struct ckpt_tun_held {
	struct list_head list;
	struct net *net;
	u32 dev;
	u32 queue;
	struct file *file;
};

static int ckpt_tun_refuse(struct ckpt_ctx *ctx, const char *what)
{
	return ckpt_err(ctx, -ENOSYS, "open file of /dev/net/tun: %s: not supported",
			what);
}

/* ------------------------------------------------------------- a device */

/**
 * ckpt_tun_refused - can this device be made anew?
 * @dev: a tun or tap device
 *
 * Context: rtnl_lock.
 * Return: what of it cannot, or NULL.
 */
const char *ckpt_tun_refused(struct net_device *dev)
{
	struct tun_struct *tun = netdev_priv(dev);
	struct ethtool_link_ksettings was = {};

	if (rcu_access_pointer(tun->steering_prog))
		return "BPF program that chooses a queue";
	if (rcu_access_pointer(tun->filter_prog))
		return "BPF program that filters";
	if (tun->filter_attached)
		return "TUNATTACHFILTER";
	tun_default_link_ksettings(dev, &was);
	was.base.speed = tun->link_ksettings.base.speed;
	was.base.duplex = tun->link_ksettings.base.duplex;
	if (memcmp(&was, &tun->link_ksettings, sizeof(was)))
		return "link settings";
	return NULL;
}

/* TUNSETOFFLOAD as it was, see set_offload() */
static u32 ckpt_tun_offload(const struct tun_struct *tun)
{
	u32 offload = 0;

	if (tun->set_features & NETIF_F_HW_CSUM)
		offload |= TUN_F_CSUM;
	if (tun->set_features & NETIF_F_TSO)
		offload |= TUN_F_TSO4;
	if (tun->set_features & NETIF_F_TSO6)
		offload |= TUN_F_TSO6;
	if (tun->set_features & NETIF_F_TSO_ECN)
		offload |= TUN_F_TSO_ECN;
	if (tun->set_features & NETIF_F_GSO_UDP_L4)
		offload |= TUN_F_USO4 | TUN_F_USO6;
	return offload;
}

static int ckpt_tun_save_owner(struct ckpt_ctx *ctx,
			       const struct tun_struct *tun,
			       struct ckpt_net_tun *t)
{
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;

	t->owner = uid_valid(tun->owner) ? from_kuid(user_ns, tun->owner) : ~0U;
	t->group = gid_valid(tun->group) ? from_kgid(user_ns, tun->group) : ~0U;
	if ((uid_valid(tun->owner) && t->owner == ~0U) ||
	    (gid_valid(tun->group) && t->group == ~0U))
		return ckpt_err(ctx, -ENOSYS, "network device %s: its owner is not mapped in the caller's user namespace: not supported",
				tun->dev->name);
	return 0;
}

static void ckpt_tun_save_filter(const struct tap_filter *f,
				 struct ckpt_net_tun *t)
{
	BUILD_BUG_ON(sizeof(t->filter_addr) != sizeof(f->addr));
	BUILD_BUG_ON(sizeof(t->filter_mask) != sizeof(f->mask));

	if (!f->count)
		return;
	t->filter_nr = f->count;
	memcpy(t->filter_mask, f->mask, sizeof(f->mask));
	memcpy(t->filter_addr, f->addr, f->count * ETH_ALEN);
}

/* A file that can be saved, and is no affair of anybody else's */
static bool ckpt_tun_ours(struct ckpt_ctx *ctx, const struct tun_file *tfile)
{
	struct file *file = tfile->socket.file;

	return ckpt_obj_collected(ctx, file, CKPT_OBJ_FILE) &&
	       !ckpt_obj_outside(ctx, file, CKPT_OBJ_FILE);
}

static int ckpt_tun_save_queue(struct ckpt_ctx *ctx,
			       const struct tun_struct *tun,
			       const struct tun_file *tfile,
			       struct ckpt_msgs *m)
{
	u32 flags = 0;

	if (!ckpt_tun_ours(ctx, tfile))
		return ckpt_err(ctx, -EBUSY, "network device %s: a task outside of the tree has an open file that is its queue",
				tun->dev->name);
	if (tfile->napi_enabled)
		flags |= IFF_NAPI;
	if (tfile->napi_frags_enabled)
		flags |= IFF_NAPI_FRAGS;
	return ckpt_msgs_add(m, &flags, sizeof(flags));
}

static int ckpt_tun_save(struct ckpt_ctx *ctx, const struct tun_struct *tun,
			 struct ckpt_msgs *m)
{
	struct net_device *dev = tun->dev;
	struct ckpt_net_tun t = {
		.ifindex = dev->ifindex,
		.flags = tun->flags & CKPT_TUN_FLAGS,
		.link = dev->type,
		.offload = ckpt_tun_offload(tun),
		.vnet_hdr_sz = tun->vnet_hdr_sz,
		.sndbuf = tun->sndbuf,
		.msg_enable = tun->msg_enable,
		.rx_batched = tun->rx_batched,
		.speed = tun->link_ksettings.base.speed,
		.duplex = tun->link_ksettings.base.duplex,
		.nr_queues = tun->numqueues + tun->numdisabled,
		.nr_detached = tun->numdisabled,
	};
	const struct tun_file *tfile;
	u32 i;
	int err;

	if (netif_carrier_ok(dev))
		t.state |= CKPT_TUN_CARRIER;
	if ((dev->wanted_features & TUN_USER_FEATURES) == tun->set_features)
		t.state |= CKPT_TUN_OFFLOAD;
	ckpt_tun_save_filter(&tun->txflt, &t);
	err = ckpt_tun_save_owner(ctx, tun, &t);
	if (!err)
		err = ckpt_msgs_add(m, &t, sizeof(t));
	for (i = 0; i < tun->numqueues && !err; i++)
		err = ckpt_tun_save_queue(ctx, tun,
					  rtnl_dereference(tun->tfiles[i]), m);
	list_for_each_entry(tfile, &tun->disabled, next)
		err = err ?: ckpt_tun_save_queue(ctx, tun, tfile, m);
	return err;
}

/**
 * ckpt_tuns_checkpoint - write what the tun devices of a namespace are
 * @ctx: the context
 * @index: its number in the image
 * @net: the namespace
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_tuns_checkpoint(struct ckpt_ctx *ctx, u32 index, struct net *net)
{
	struct ckpt_msgs m = {}, part;
	struct net_device *dev;
	const struct ckpt_net_tun *t;
	size_t at, size;
	int err = 0;

	rtnl_lock();
	for_each_netdev(net, dev) {
		if (dev->rtnl_link_ops != &tun_link_ops)
			continue;
		err = ckpt_tun_save(ctx, netdev_priv(dev), &m);
		if (err)
			break;
	}
	rtnl_unlock();
	for (at = 0; at < m.len && !err; at += size) {
		t = m.data + at;
		size = struct_size(t, queue, t->nr_queues);
		part.data = m.data + at;
		part.len = size;
		err = ckpt_net_write(ctx, index, CKPT_NET_TUN, &part);
	}
	ckpt_msgs_free(&m);
	return err;
}

/* --------------------------------------------------- a device, at restart */

static bool ckpt_tun_queues_ok(const struct ckpt_net_tun *t)
{
	bool many = t->flags & IFF_MULTI_QUEUE;
	u32 i;

	/* one that nobody holds is there since it is told to stay */
	if (t->nr_queues > CKPT_TUN_QUEUES_MAX ||
	    t->nr_detached > t->nr_queues ||
	    (!many && (t->nr_queues > 1 || t->nr_detached)) ||
	    (!t->nr_queues && !(t->flags & IFF_PERSIST)))
		return false;
	for (i = 0; i < t->nr_queues; i++)
		if ((t->queue[i] & ~CKPT_TUN_NAPI) ||
		    ((t->queue[i] & IFF_NAPI_FRAGS) &&
		     (!(t->queue[i] & IFF_NAPI) || !(t->flags & IFF_TAP))))
			return false;
	return true;
}

static bool ckpt_tun_ok(const struct ckpt_net_tun *t)
{
	u32 type = t->flags & TUN_TYPE_MASK;

	if ((type != IFF_TUN && type != IFF_TAP) ||
	    (t->flags & ~CKPT_TUN_FLAGS) || !t->ifindex ||
	    t->ifindex > INT_MAX || t->link > INT_MAX ||
	    (t->state & ~(CKPT_TUN_CARRIER | CKPT_TUN_OFFLOAD)))
		return false;
	if ((t->flags & TUN_VNET_BE) &&
	    !IS_ENABLED(CONFIG_TUN_VNET_CROSS_LE))
		return false;
	if (t->vnet_hdr_sz < sizeof(struct virtio_net_hdr) ||
	    t->vnet_hdr_sz > INT_MAX || !t->sndbuf || t->sndbuf > INT_MAX ||
	    t->rx_batched > NAPI_POLL_WEIGHT || t->duplex > U8_MAX)
		return false;
	if (t->filter_nr > FLT_EXACT_COUNT ||
	    (t->filter_nr && type != IFF_TAP))
		return false;
	return ckpt_tun_queues_ok(t);
}

/* The one at @at, if it is complete and can be, else NULL */
static const struct ckpt_net_tun *ckpt_tun_at(const struct ckpt_msgs *m,
					      size_t at)
{
	const struct ckpt_net_tun *t = m->data + at;
	size_t left = m->len - at;

	if (left < sizeof(*t) || t->nr_queues > CKPT_TUN_QUEUES_MAX ||
	    left < struct_size(t, queue, t->nr_queues) || !ckpt_tun_ok(t))
		return NULL;
	return t;
}

/**
 * ckpt_tuns_check - are these tun devices?
 * @ctx: the context
 * @m: what a record has
 *
 * Return: 0, or -EINVAL, reported.
 */
int ckpt_tuns_check(struct ckpt_ctx *ctx, const struct ckpt_msgs *m)
{
	const struct ckpt_net_tun *t;
	size_t at;

	for (at = 0; at < m->len; at += struct_size(t, queue, t->nr_queues)) {
		t = ckpt_tun_at(m, at);
		if (!t)
			return ckpt_err(ctx, -EINVAL, "image: network namespace: malformed tun device");
	}
	return 0;
}

static const struct ckpt_net_tun *ckpt_tun_find(const struct ckpt_msgs *m,
						u32 ifindex)
{
	const struct ckpt_net_tun *t;
	size_t at;

	for (at = 0; at < m->len; at += struct_size(t, queue, t->nr_queues)) {
		t = ckpt_tun_at(m, at);
		if (!t || t->ifindex == ifindex)
			return t;
	}
	return NULL;
}

static int ckpt_tun_held_release(struct inode *inode, struct file *file)
{
	return file->private_data ? tun_chr_close(inode, file) : 0;
}

static const struct file_operations ckpt_tun_held_fops = {
	.release = ckpt_tun_held_release,
};

/* A file that can be a queue, and that nobody sees */
static struct file *ckpt_tun_open(void)
{
	struct file *file;
	int err;

	file = anon_inode_getfile("[tun]", &ckpt_tun_held_fops, NULL, O_RDWR);
	if (IS_ERR(file))
		return file;
	err = tun_chr_open(NULL, file);
	if (!err)
		return file;
	fput(file);
	return ERR_PTR(err);
}

static int ckpt_tun_hold(struct ckpt_nets *nets, struct net *net, u32 dev,
			 u32 queue)
{
	struct ckpt_tun_held *held = kzalloc(sizeof(*held), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!held)
		return -ENOMEM;
	file = ckpt_tun_open();
	if (IS_ERR(file)) {
		kfree(held);
		return PTR_ERR(file);
	}
	held->net = net;
	held->dev = dev;
	held->queue = queue;
	held->file = file;
	list_add_tail(&held->list, &nets->tuns);
	return 0;
}

static void ckpt_tun_let_go(struct ckpt_tun_held *held)
{
	list_del(&held->list);
	/* now, and not when the system call returns */
	__fput_sync(held->file);
	kfree(held);
}

/**
 * ckpt_tuns_free - let go of queues that nobody has taken
 * @nets: the network namespaces of an image
 *
 * Context: process context, may sleep.
 */
void ckpt_tuns_free(struct ckpt_nets *nets)
{
	struct ckpt_tun_held *held, *next;

	list_for_each_entry_safe(held, next, &nets->tuns, list)
		ckpt_tun_let_go(held);
}

/* The first queue makes the device, the others join it. */
static int ckpt_tun_attach(struct net *net, struct ckpt_tun_held *held,
			   const struct ckpt_net_tun *t, const char *name)
{
	struct tun_file *tfile = held->file->private_data;
	u32 napi = t->nr_queues ? t->queue[held->queue] : 0;
	struct net_device *dev;
	struct ifreq ifr = {};
	int err;

	if (held->queue) {
		dev = __dev_get_by_index(net, t->ifindex);
		if (!dev || dev->rtnl_link_ops != &tun_link_ops)
			return -ENODEV;
		if ((napi & IFF_NAPI_FRAGS) && !capable(CAP_NET_ADMIN))
			return -EPERM;
		err = tun_attach(netdev_priv(dev), held->file, true,
				 napi & IFF_NAPI, napi & IFF_NAPI_FRAGS, true);
	} else {
		strscpy(ifr.ifr_name, name);
		/* the lower half is all that it has room for */
		ifr.ifr_flags = (t->flags & (TUN_TYPE_MASK | TUN_FEATURES) &
				 ~CKPT_TUN_NAPI) | napi |
				IFF_TUN_EXCL | IFF_NO_CARRIER;
		tfile->ifindex = t->ifindex;
		err = tun_set_iff(net, held->file, &ifr);
	}
	if (!err && held->queue + t->nr_detached >= t->nr_queues &&
	    t->nr_queues)
		__tun_detach(tfile, false);
	return err;
}

static void ckpt_tun_set_filter(struct tap_filter *f,
				const struct ckpt_net_tun *t)
{
	memcpy(f->mask, t->filter_mask, sizeof(f->mask));
	memcpy(f->addr, t->filter_addr, sizeof(f->addr));
	f->count = t->filter_nr;
}

static int ckpt_tun_set_owner(struct tun_struct *tun,
			      const struct ckpt_net_tun *t)
{
	if (t->owner != ~0U) {
		tun->owner = make_kuid(current_user_ns(), t->owner);
		if (!uid_valid(tun->owner))
			return -EINVAL;
	}
	if (t->group != ~0U) {
		tun->group = make_kgid(current_user_ns(), t->group);
		if (!gid_valid(tun->group))
			return -EINVAL;
	}
	return 0;
}

/* As TUNSETLINK */
static int ckpt_tun_set_link(struct net_device *dev, int type)
{
	int err;

	if (dev->type == type)
		return 0;
	err = call_netdevice_notifiers(NETDEV_PRE_TYPE_CHANGE, dev);
	err = notifier_to_errno(err);
	if (err)
		return err;
	dev->type = type;
	dev->addr_len = tun_get_addr_len(dev->type);
	call_netdevice_notifiers(NETDEV_POST_TYPE_CHANGE, dev);
	return 0;
}

/* What the open files say of it, one after the other */
static int ckpt_tun_set(struct net *net, const struct ckpt_net_tun *t)
{
	struct net_device *dev = __dev_get_by_index(net, t->ifindex);
	struct tun_struct *tun;
	int err;

	if (!dev || dev->rtnl_link_ops != &tun_link_ops)
		return -ENODEV;
	tun = netdev_priv(dev);
	tun->flags = t->flags;
	if (t->flags & IFF_PERSIST)
		__module_get(THIS_MODULE);
	tun->vnet_hdr_sz = t->vnet_hdr_sz;
	tun->sndbuf = t->sndbuf;
	tun->msg_enable = t->msg_enable;
	tun->rx_batched = t->rx_batched;
	tun->link_ksettings.base.speed = t->speed;
	tun->link_ksettings.base.duplex = t->duplex;
	ckpt_tun_set_filter(&tun->txflt, t);
	err = ckpt_tun_set_owner(tun, t);
	if (!err)
		err = ckpt_tun_set_link(dev, t->link);
	/* what a driver asked for is wanted, whatever ethtool turned off */
	if (!err && ((t->state & CKPT_TUN_OFFLOAD) || t->offload))
		err = set_offload(tun, t->offload);
	if (!err && (t->state & CKPT_TUN_CARRIER) && t->nr_queues)
		netif_carrier_on(dev);
	return err;
}

/**
 * ckpt_tun_make - make a tun or tap device
 * @ctx: the context
 * @n: its namespace, with what is to be in it
 * @name: its name
 * @ifindex: its index
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_tun_make(struct ckpt_ctx *ctx, struct ckpt_net *n, const char *name,
		  u32 ifindex)
{
	const struct ckpt_net_tun *t = ckpt_tun_find(&n->data[CKPT_NET_TUN],
						     ifindex);
	struct ckpt_nets *nets = ctx->nets;
	struct ckpt_tun_held *held = NULL;
	int err = 0;
	u32 i;

	if (!t)
		return ckpt_err(ctx, -EINVAL, "image: network device %s: nothing is said of what it is",
				name);
	for (i = 0; i < max(t->nr_queues, 1U) && !err; i++) {
		err = ckpt_tun_hold(nets, n->net, ifindex, i);
		if (err)
			break;
		held = list_last_entry(&nets->tuns, struct ckpt_tun_held, list);
		rtnl_lock();
		err = ckpt_tun_attach(n->net, held, t, name);
		rtnl_unlock();
		if (fatal_signal_pending(current))
			err = err ?: -EINTR;
	}
	if (!err) {
		rtnl_lock();
		err = ckpt_tun_set(n->net, t);
		rtnl_unlock();
	}
	/* it stays without it */
	if (!err && !t->nr_queues)
		ckpt_tun_let_go(held);
	if (err)
		return ckpt_err(ctx, err, "network device %s: cannot be made: error %d",
				name, err);
	return 0;
}

/* ---------------------------------------------------------- an open file */

/**
 * ckpt_tun_match - is this an open file of /dev/net/tun?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_tun_match(struct file *file)
{
	return file->f_op == &tun_fops;
}

/**
 * ckpt_tun_fasync - the list of those who are told by signals
 * @file: the file
 *
 * Return: where it begins.
 */
struct fasync_struct **ckpt_tun_fasync(struct file *file)
{
	struct tun_file *tfile = file->private_data;

	return &tfile->fasync;
}

/**
 * ckpt_tun_file_collect - count what an open file of /dev/net/tun holds
 * @ctx: the context
 * @file: the file
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno, reported.
 */
int ckpt_tun_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct tun_file *tfile = file->private_data;

	return ckpt_net_ns_collect(ctx, sock_net(&tfile->sk));
}

/* Which queue it is, as struct ckpt_net_tun counts them */
static u32 ckpt_tun_queue(const struct tun_struct *tun,
			  const struct tun_file *tfile)
{
	const struct tun_file *other;
	u32 nr = tun->numqueues;

	if (!tfile->detached)
		return tfile->queue_index;
	list_for_each_entry(other, &tun->disabled, next) {
		if (other == tfile)
			break;
		nr++;
	}
	return nr;
}

/* The namespace of its device, referenced, or NULL; and what it says of it */
static struct net *ckpt_tun_dev_net(struct tun_file *tfile,
				    struct ckpt_hdr_tun *r)
{
	struct tun_struct *tun;
	struct net *net = NULL;

	rtnl_lock();
	tun = rtnl_dereference(tfile->tun);
	/* a namespace that nobody is in any more takes the device with it */
	if (tun)
		net = maybe_get_net(dev_net(tun->dev));
	if (net) {
		r->dev = tun->dev->ifindex;
		r->queue = ckpt_tun_queue(tun, tfile);
	} else if (!tun) {
		r->ifindex = tfile->ifindex;
	}
	rtnl_unlock();
	return net;
}

/* Write the namespaces that it is in, and fill in what it says of them. */
static int ckpt_tun_save_file(struct ckpt_ctx *ctx, struct tun_file *tfile,
			      struct ckpt_hdr_tun *r)
{
	struct net *net;
	int ret;

	if (rcu_access_pointer(tfile->sk.sk_filter))
		return ckpt_tun_refuse(ctx, "TUNATTACHFILTER");
	ret = ckpt_net_ns_checkpoint(ctx, sock_net(&tfile->sk));
	if (ret < 0)
		return ret;
	r->net = ret;
	r->sndbuf = tfile->sk.sk_sndbuf;
	net = ckpt_tun_dev_net(tfile, r);
	if (!net)
		return 0;
	if (net == ctx->caller_ns->net_ns ||
	    (ctx->uflags & CHECKPOINT_NONETNS) ||
	    !ckpt_obj_collected(ctx, net, CKPT_OBJ_NET_NS))
		ret = 0;
	else
		ret = ckpt_net_ns_checkpoint(ctx, net);
	put_net(net);
	if (!ret)
		return ckpt_tun_refuse(ctx, "its device is in a network namespace that is not in the image");
	r->dev_net = ret;
	return ret < 0 ? ret : 0;
}

/**
 * ckpt_tun_file_checkpoint - write what stands before an open file
 * @ctx: the context
 * @file: an open file of /dev/net/tun
 * @h: the record of the file
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_tun_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			     struct ckpt_hdr_file *h)
{
	struct ckpt_hdr_tun r = {};

	return ckpt_tun_save_file(ctx, file->private_data, &r);
}

/* --------------------------------------------------- packets in a queue */

/**
 * struct ckpt_tun_ring - what is in a queue at one moment
 * @skb: the packets, referenced
 * @nr: how many there are
 * @frames: there are some that come from a program of XDP
 */
struct ckpt_tun_ring {
	struct sk_buff **skb;
	u32 nr;
	bool frames;
};

/* Those who read are parked: only others may be added meanwhile, at the end. */
static int ckpt_tun_ring_get(struct ptr_ring *r, struct ckpt_tun_ring *q)
{
	int size, i;
	void *ptr;

	memset(q, 0, sizeof(*q));
	/* its size changes with rtnl_lock held alone */
	rtnl_lock();
	size = r->size;
	q->skb = kvcalloc(max(size, 1), sizeof(*q->skb), GFP_KERNEL_ACCOUNT);
	if (!q->skb) {
		rtnl_unlock();
		return -ENOMEM;
	}
	spin_lock_bh(&r->consumer_lock);
	/* from the tail to the head are those that were read */
	size -= r->consumer_head - r->consumer_tail;
	for (i = r->consumer_head; (int)q->nr < size; i++) {
		if (i >= r->size)
			i = 0;
		ptr = READ_ONCE(r->queue[i]);
		if (!ptr)
			break;
		if (tun_is_xdp_frame(ptr)) {
			q->frames = true;
			break;
		}
		q->skb[q->nr++] = skb_get(ptr);
	}
	spin_unlock_bh(&r->consumer_lock);
	rtnl_unlock();
	return 0;
}

static void ckpt_tun_ring_put(struct ckpt_tun_ring *q)
{
	u32 i;

	for (i = 0; i < q->nr; i++)
		consume_skb(q->skb[i]);
	kvfree(q->skb);
}

static int ckpt_tun_write_packet(struct ckpt_ctx *ctx, struct sk_buff *skb)
{
	const struct skb_shared_info *s = skb_shinfo(skb);
	struct ckpt_hdr_tun_packet h = {
		.len = skb->len,
		.head = skb_headlen(skb),
		.protocol = ntohs(skb->protocol),
		.csum = skb->ip_summed,
	};
	int gso = ckpt_gso_of(skb), err;

	if (gso < 0)
		return ckpt_tun_refuse(ctx, "a packet of several segments of another type");
	h.gso = gso;
	if (gso) {
		h.gso_size = s->gso_size;
		h.gso_segs = s->gso_segs;
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		h.csum_start = skb_checksum_start_offset(skb);
		h.csum_offset = skb->csum_offset;
	}
	if (skb_vlan_tag_present(skb)) {
		h.vlan = 1;
		h.vlan_tci = skb_vlan_tag_get(skb);
		h.vlan_proto = ntohs(skb->vlan_proto);
	}
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_TUN_PACKET, sizeof(h));
	return err ?: ckpt_sock_data_write(ctx, skb, 0);
}

/**
 * ckpt_tun_file_write - write what follows an open file
 * @ctx: the context
 * @file: an open file of /dev/net/tun
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_tun_file_write(struct ckpt_ctx *ctx, struct file *file)
{
	struct tun_file *tfile = file->private_data;
	struct ckpt_hdr_tun r = {};
	struct ckpt_tun_ring q;
	int err;
	u32 i;

	err = ckpt_tun_save_file(ctx, tfile, &r);
	if (!err)
		err = ckpt_tun_ring_get(&tfile->tx_ring, &q);
	if (err)
		return err;
	r.nr = q.nr;
	if (q.frames)
		err = ckpt_tun_refuse(ctx, "a packet from a program of XDP");
	if (!err)
		err = ckpt_write_rec(ctx, &r, CKPT_HDR_TUN, sizeof(r));
	for (i = 0; i < q.nr && !err; i++) {
		err = ckpt_tun_write_packet(ctx, q.skb[i]);
		cond_resched();
	}
	ckpt_tun_ring_put(&q);
	return err;
}

/* ------------------------------------------------ an open file, at restart */

static bool ckpt_tun_packet_ok(const struct ckpt_hdr_tun_packet *h)
{
	if (h->head > h->len || h->head > CKPT_TUN_FRAGS_MAX ||
	    h->len - h->head > CKPT_TUN_FRAGS_MAX || h->protocol > U16_MAX)
		return false;
	if (h->csum > CHECKSUM_PARTIAL || h->csum_start > U16_MAX / 2 ||
	    h->csum_offset > U16_MAX / 2)
		return false;
	if (h->vlan > 1 || h->vlan_tci > U16_MAX || h->vlan_proto > U16_MAX ||
	    (h->vlan && h->len < ETH_HLEN))
		return false;
	return ckpt_gso_valid(h->gso, h->gso_size, h->gso_segs);
}

static struct sk_buff *ckpt_tun_make_packet(struct ckpt_ctx *ctx,
					    const struct ckpt_hdr_tun_packet *h)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(h->head, h->len - h->head,
				   PAGE_ALLOC_COSTLY_ORDER, &err, GFP_KERNEL);
	if (!skb)
		return ERR_PTR(err);
	skb_put(skb, h->head);
	skb->data_len = h->len - h->head;
	skb->len += skb->data_len;
	err = ckpt_sock_data_read(ctx, skb, 0);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb->protocol = htons(h->protocol);
	skb->ip_summed = h->csum;
	if (h->csum == CHECKSUM_PARTIAL) {
		skb->csum_start = skb_headroom(skb) + h->csum_start;
		skb->csum_offset = h->csum_offset;
	}
	if (h->vlan)
		__vlan_hwaccel_put_tag(skb, htons(h->vlan_proto), h->vlan_tci);
	ckpt_gso_set(skb, h->gso, h->gso_size, h->gso_segs);
	return skb;
}

static int ckpt_tun_read_packet(struct ckpt_ctx *ctx, struct tun_file *tfile)
{
	struct ckpt_hdr_tun_packet h;
	struct sk_buff *skb;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_TUN_PACKET, sizeof(h));
	if (err)
		return err;
	if (!ckpt_tun_packet_ok(&h))
		return ckpt_err(ctx, -EINVAL, "image: tun: packet of %u bytes",
				h.len);
	skb = ckpt_tun_make_packet(ctx, &h);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	/* one that the network has sent meanwhile may have taken its place */
	if (ptr_ring_produce_bh(&tfile->tx_ring, skb))
		kfree_skb(skb);
	return 0;
}

/* The namespace that it was opened in; nobody has it so far. */
static void ckpt_tun_set_net(struct sock *sk, struct net *net)
{
	struct net *old = sock_net(sk);

	if (net_eq(old, net))
		return;
	sock_inuse_add(old, -1);
	sock_inuse_add(net, 1);
	put_net_track(old, &sk->ns_tracker);
	get_net_track(net, &sk->ns_tracker, GFP_KERNEL);
	sock_net_set(sk, net);
}

/* Put the queue that was kept behind @file, and what that has had in its place. */
static int ckpt_tun_take(struct ckpt_ctx *ctx, struct file *file,
			 const struct net *net, const struct ckpt_hdr_tun *r)
{
	struct tun_file *own = file->private_data, *tfile;
	struct ckpt_tun_held *held;

	list_for_each_entry(held, &ctx->nets->tuns, list)
		if (held->net == net && held->dev == r->dev &&
		    held->queue == r->queue)
			break;
	if (list_entry_is_head(held, &ctx->nets->tuns, list))
		return ckpt_err(ctx, -EINVAL, "image: tun: there is no queue %u of network device %u",
				r->queue, r->dev);
	tfile = held->file->private_data;
	tfile->sk.sk_uid = own->sk.sk_uid;
	rtnl_lock();
	held->file->private_data = own;
	own->socket.file = held->file;
	file->private_data = tfile;
	tfile->socket.file = file;
	/* what came while nobody was there to read it */
	tun_queue_purge(tfile);
	rtnl_unlock();
	ckpt_tun_let_go(held);
	return 0;
}

static int ckpt_tun_set_file(struct ckpt_ctx *ctx, struct file *file,
			     loff_t pos)
{
	struct tun_file *tfile;
	struct ckpt_hdr_tun r;
	struct net *net, *dev_net;
	int err;
	u32 i;

	err = ckpt_read_rec_into(ctx, &r, CKPT_HDR_TUN, sizeof(r));
	if (err)
		return err;
	if (r.reserved || r.ifindex > INT_MAX || !r.sndbuf ||
	    r.sndbuf > INT_MAX || !r.dev != !r.dev_net ||
	    (r.dev && r.ifindex) || (!r.dev && (r.queue || r.nr)))
		return ckpt_err(ctx, -EINVAL, "image: tun: queue %u of network device %u with %u packets",
				r.queue, r.dev, r.nr);
	net = ckpt_net_ns_fetch(ctx, r.net);
	if (IS_ERR(net))
		return PTR_ERR(net);
	if (r.dev) {
		dev_net = ckpt_net_ns_fetch(ctx, r.dev_net);
		if (IS_ERR(dev_net))
			return PTR_ERR(dev_net);
		err = ckpt_tun_take(ctx, file, dev_net, &r);
		if (err)
			return err;
	}
	tfile = file->private_data;
	if (r.nr > (u32)READ_ONCE(tfile->tx_ring.size))
		return ckpt_err(ctx, -EINVAL, "image: tun: more packets than a queue has room for");
	ckpt_tun_set_net(&tfile->sk, net);
	if (!r.dev)
		tfile->ifindex = r.ifindex;
	tfile->sk.sk_sndbuf = r.sndbuf;
	/* how much the last read has got, for what that is worth */
	file->f_pos = pos;
	for (i = 0; i < r.nr && !err; i++) {
		err = ckpt_tun_read_packet(ctx, tfile);
		cond_resched();
	}
	return err;
}

/**
 * ckpt_tun_file_restore - open /dev/net/tun
 * @ctx: the context
 * @h: the record of the file
 * @name: its path
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR, reported.
 */
struct file *ckpt_tun_file_restore(struct ckpt_ctx *ctx,
				   const struct ckpt_hdr_file *h,
				   const char *name)
{
	struct file *file = ckpt_file_open(ctx, h, name, h->f_flags);
	int err;

	if (IS_ERR(file))
		return file;
	err = ckpt_tun_set_file(ctx, file, h->f_pos);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}
