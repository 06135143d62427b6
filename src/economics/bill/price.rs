//! What a piece costs: by the cluster file, else by the catalogue (which a file of one's own may have replaced).

use super::item::Item;
use crate::catalog::{Catalog, Entry, Price, Priced, Provenance};
use crate::spec::Cluster;
use crate::units::{Currency, MoneyInterval};

/// The price of one piece of an item.
pub(super) fn of(item: &Item, cluster: &Cluster, catalog: &Catalog) -> Option<Priced> {
    // A price that the pool was given comes first: it is nearest to what is bought.
    let of_pool = item.of_pool.as_ref();
    if let Some(price) = of_pool.filter(|price| price.provenance == Provenance::Given) {
        return Some(price.clone());
    }
    if let Some(price) = cluster.item_prices.get(&item.name) {
        return Some(Priced::given(*price, format!("cluster file, price.items.{}", item.name)));
    }
    if let Some(price) = of_pool {
        return Some(price.clone());
    }
    let part = catalog.part(&item.name).and_then(|part| listed(part, part.price.as_ref()));
    part.or_else(|| catalog.switch(&item.name).and_then(|switch| listed(switch, switch.price.as_ref())))
}

fn listed<E: Entry>(entry: &E, price: Option<&Price>) -> Option<Priced> {
    price?.priced(entry.provenance("price"))
}

/// The same money in US dollars; nothing without a rate, which the cluster file was checked for.
pub(super) fn in_dollars(price: MoneyInterval, cluster: &Cluster, catalog: &Catalog) -> Option<MoneyInterval> {
    let rate = cluster.usd_rate(price.currency(), catalog)?;
    Some(price.convert(Currency::USD, rate.value))
}
