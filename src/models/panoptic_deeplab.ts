import { TuneError } from '../errors.ts'
import { count, fields, flag, named, oneOf, type Config } from './config.ts'
import { convs, type Convs, type ConvsLayer } from './convs.ts'
import { inLayer, sizes4, type Tensor } from './graph/graph.ts'
import { denseHead } from './heads/dense.ts'
import { withEmbedding } from './heads/embedding.ts'
import type { Style } from './layers.ts'
import type { Architecture, Heads } from './model.ts'
import { aspp } from './necks/aspp.ts'
import { fpn } from './necks/fpn.ts'
import type { Neck } from './necks/neck.ts'

const necks = { fpn, aspp }

const branch = {
  /** Channels of its decoder. Default 32. */
  channels: count(32),
  /** Channels of the features at stride 4 where they are joined, twice as many at stride 8, ... (neck aspp). Default 8. */
  lowLevel: count(8),
  /** Channels of its heads. Default 32. */
  head: count(32),
}

const options = {
  /** How features come together: `fpn`, or `aspp`, the paper's. Default fpn. */
  neck: named(necks, 'fpn'),
  /**
   * The first part that each branch has for itself: its whole `neck` (dual ASPP and decoder), its `decoder`, or only its
   * `heads`. What comes before is shared, and as wide as `semantic` says. Default heads.
   */
  split: oneOf(['neck', 'decoder', 'heads'], 'heads'),
  semantic: fields(branch),
  instance: fields({
    ...branch,
    /** Channels in which its neck or decoder is told what the semantic branch has found; 0 for none. Default 0. */
    embed: count(0, 0),
    /** Whether the head of centres has two plain 3 x 3 convolutions whatever `convs` says, as detectron2's. Default false. */
    plainCenter: flag(false),
  }),
  /** The convolutions that decoders fuse with and heads begin with. */
  convs,
  /** Initial weights of necks and heads: `he`, or `small`, N(0, 0.001), as B's. Default he. */
  init: oneOf(['he', 'small'], 'he'),
}

/** detectron2's centre heads, also where all else is depthwise-separable. */
const PLAIN: Convs = { kernel: 3, separable: false, repeat: 2 }

type PanopticDeepLab = Config<typeof options>
type Branch = PanopticDeepLab['semantic']

/**
 * Panoptic-DeepLab (Cheng et al. 2020): a semantic branch for classes, an instance branch for the centres of things and
 * offsets to them. With its defaults it is a small one that shares all but the heads, of 142,523 parameters for 8 classes.
 */
export const panopticDeepLab: Architecture<typeof options> = {
  options,
  heads(features, config, { norm, classes, things }) {
    checkEmbedding(config, things)
    const { split, semantic, instance, convs } = config
    const { graph } = features[0]!
    const style = config.init === 'small' ? { norm, deviation: 0.001 } : { norm }
    const semanticHead = (x: Tensor) => denseHead('semantic', x, classes, hidden(x, semantic, convs, style))
    const { context, decode } = neckOf(config, style)

    if (split === 'heads') {
      const shared = decode(context(features), semantic)
      return { semantic: semanticHead(shared), ...instanceHeads(shared, config, style) }
    }
    const shared = split === 'decoder' ? context(features) : features
    const decodeOwn = (x: readonly Tensor[], branch: Branch) => decode(split === 'neck' ? context(x) : x, branch)
    const logits = semanticHead(inLayer(graph, 'semantic', () => decodeOwn(shared, semantic)))
    const seen = inLayer(graph, 'instance', () => {
      return decodeOwn(withEmbedding(shared, logits, things, instance.embed, style), instance)
    })
    return { semantic: logits, ...instanceHeads(seen, config, style) }
  },
}

/** The two steps of the neck, all settled but what it works on. */
function neckOf({ neck: config, convs }: PanopticDeepLab, style: Style) {
  const neck: Neck = necks[config.name]
  return {
    context: (features: readonly Tensor[]) => neck.context(features, config, style),
    decode: (features: readonly Tensor[], { channels, lowLevel }: Branch) =>
      neck.decode(features, config, { channels, lowLevel, convs, style }),
  }
}

function instanceHeads(
  x: Tensor,
  { instance, convs }: PanopticDeepLab,
  style: Style,
): Pick<Heads, 'center' | 'offset'> {
  return {
    center: denseHead('center', x, 1, hidden(x, instance, instance.plainCenter ? PLAIN : convs, style)),
    offset: denseHead('offset', x, 2, hidden(x, instance, convs, style)),
  }
}

/** All but the last convolution of a head keep its input's channels. */
function hidden(x: Tensor, { head }: Branch, convs: Convs, style: Style): ConvsLayer {
  return { ...convs, style, inner: sizes4(x)[1], channels: head }
}

function checkEmbedding({ split, instance }: PanopticDeepLab, things: readonly number[]): void {
  if (instance.embed === 0) return
  const message = `model: 'instance.embed' is ${instance.embed}`
  if (split === 'heads') {
    const hint = "choose 'split' neck or decoder: sharing both, the instance branch has nowhere to be told"
    throw new TuneError('model/invalid', `${message}, must be 0 where 'split' is heads`, { hint })
  }
  if (things.length === 0) throw new TuneError('model/invalid', `${message}, but no class is a thing`)
}
