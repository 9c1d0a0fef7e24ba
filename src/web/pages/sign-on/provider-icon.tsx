/** ProviderIcon shows whose button it is; the name always stands beside it. */
import { IconBrandApple, IconBrandGithub, IconBrandGoogle, IconBuilding, IconKey } from '@tabler/icons-react';

const icons = { apple: IconBrandApple, google: IconBrandGoogle, github: IconBrandGithub, organisation: IconBuilding };

export function ProviderIcon({ kind, size = 18 }: { readonly kind: string; readonly size?: number }) {
  const Icon = icons[kind as keyof typeof icons] ?? IconKey;
  return <Icon size={size} stroke={1.5} aria-hidden />;
}
